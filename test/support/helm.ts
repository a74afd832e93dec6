import { existsSync } from "node:fs";
import { join } from "node:path";

import { parseAllDocuments } from "yaml";

import { onPath, run } from "../../lab/exec";
import { ensureBuilt, type GoBuild, targetOf } from "../../lab/go-modules";
import { consoleLog } from "../../lab/log";
import type { KubeObject } from "../../render/objects";

/** The last Helm 3; its Kubernetes version must be stamped in, as its Makefile does. */
const kubernetes = "-X helm.sh/helm/v3/pkg/chartutil.k8sVersion";
const build: GoBuild = {
  name: "helm",
  what: "Helm",
  minutes: 3,
  scratchGiB: 3,
  sources: [],
  packages: ["helm.sh/helm/v3/cmd/helm"],
  output: "helm",
  flags: [`-ldflags=-s -w ${kubernetes}Major=1 ${kubernetes}Minor=37`],
};

/** Helm of this machine: on PATH, or built here before. A text says why there is none. */
export async function findHelm(): Promise<{ readonly helm: string } | string> {
  if (await onPath("helm")) return { helm: "helm" };
  const built = join(targetOf(build), "helm");
  if (existsSync(built)) return { helm: built };
  return "helm is not on PATH; `node dist/test/run.js lab` builds it, with Go";
}

/** The same, or built from its Go module. @throws UserError when it cannot be */
export async function ensureHelm(): Promise<string> {
  const found = await findHelm();
  return typeof found === "string"
    ? join(await ensureBuilt(build, consoleLog()), "helm")
    : found.helm;
}

/** Explicit, because a helm without a stamp assumes an old cluster. */
const kubeVersion = ["--kube-version", "1.36.0"];

/** What a chart of this repository renders to, definitions included; `values` are checked against its schema. */
export async function helmTemplate(
  helm: string,
  release: string,
  chart: string,
  namespace: string,
  values: unknown,
): Promise<KubeObject[]> {
  const text = await run(
    helm,
    [
      "template",
      release,
      join("charts", chart),
      "-n",
      namespace,
      "--include-crds",
      ...kubeVersion,
      "-f",
      "-",
    ],
    { input: JSON.stringify(values) },
  );
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}
