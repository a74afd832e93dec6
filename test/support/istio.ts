import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parseAllDocuments } from "yaml";

import { onPath, run } from "../../lab/exec";
import type { KubeObject } from "../../render/objects";

/** The module of Istio's API, which holds the definitions that its own chart installs. */
const api = "istio.io/api@v1.32.0";
const file = "kubernetes/customresourcedefinitions.gen.yaml";

/** Istio's own definitions, from its Go module. A text says why they are not available. */
export async function istioDefinitions(): Promise<KubeObject[] | string> {
  if (!(await onPath("go"))) return "go is not on PATH, to get Istio's definitions with";
  try {
    const said = await run("go", ["mod", "download", "-json", api], {
      ...{ cwd: "/", env: { GOFLAGS: "" }, timeoutSeconds: 180 },
    });
    const { Dir } = JSON.parse(said) as { Dir: string };
    return parseAllDocuments(readFileSync(join(Dir, file), "utf8"))
      .map((document) => document.toJS() as KubeObject | null)
      .filter((object) => object !== null);
  } catch (error) {
    return `Istio's definitions (${api}) cannot be had: ${String(error).split("\n")[0]}`;
  }
}
