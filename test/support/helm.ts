import { existsSync } from "node:fs";
import { join } from "node:path";

import { parseAllDocuments } from "yaml";

import { onPath, run } from "../../lab/exec";
import { paths } from "../../lab/paths";
import type { KubeObject } from "../../render/objects";

/** The last Helm 3; its own Kubernetes version has to be stamped in, as its Makefile does. */
const version = "v3.22.0";
const kubernetes = "-X helm.sh/helm/v3/pkg/chartutil.k8sVersion";

const built = join(paths.bin, `helm-${version}`, "helm");

/** Helm of this machine: on PATH, or built here before. A text says why there is none. */
export async function findHelm(): Promise<{ readonly helm: string } | string> {
  if (await onPath("helm")) return { helm: "helm" };
  if (existsSync(built)) return { helm: built };
  return "helm is not on PATH; `node dist/test/run.js cluster` builds it, with Go";
}

/** The same, or built from its Go module (once; about 3 minutes on two cores). A text says why it cannot be. */
export async function ensureHelm(): Promise<{ readonly helm: string } | string> {
  const found = await findHelm();
  if (typeof found !== "string") return found;
  if (!(await onPath("go"))) return "helm is not on PATH, and go is not there to build it";
  const stamps = `-s -w ${kubernetes}Major=1 ${kubernetes}Minor=37`;
  await run("go", ["install", `-ldflags=${stamps}`, `helm.sh/helm/v3/cmd/helm@${version}`], {
    timeoutSeconds: 1500,
    cwd: "/",
    env: { GOBIN: join(paths.bin, `helm-${version}`), GOFLAGS: "", CGO_ENABLED: "0" },
  });
  return { helm: built };
}

/** Said, because a helm that was built without a stamp takes the cluster for an old one. */
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
