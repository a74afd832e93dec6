import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

import type { Done, Preview, PulumiStack } from "@mcp-fleet/engine";

import type { Cluster } from "../../lab/cluster";
import { binary } from "../../lab/cluster/binaries";
import type { Kube } from "../../lab/kube";
import { labStack, plainConfig } from "./lab-stack";
import { stackFile } from "./stack-file";

/** A stack file of `examples`, deployed into a separate namespace. */
export interface Example {
  /** The file that is run: the example's, with the test's replacements. */
  readonly file: string;
  readonly directory: string;
  run(operation: "up" | "destroy"): Promise<Done>;
  preview(): Promise<Preview>;
}

/**
 * @param changes new values by key, or a function of the old one; keys without the `mcp-fleet:` prefix
 * @param directory of an example that has already run, and continues with this configuration
 */
export function openExample(
  stack: string,
  target: { readonly kubeconfig: string; readonly context: string },
  changes: Readonly<Record<string, unknown>>,
  directory: string = mkdtempSync(join(tmpdir(), "mcp-fleet-example-")),
): Example {
  const config: Record<string, unknown> = {
    ...stackFile(stack),
    "kubernetes:kubeconfig": target.kubeconfig,
    "kubernetes:context": target.context,
  };
  for (const [key, value] of Object.entries(changes)) {
    const old = config[`mcp-fleet:${key}`];
    config[`mcp-fleet:${key}`] =
      typeof value === "function" ? (value as (old: unknown) => unknown)(old) : value;
  }
  const file = join(directory, "stack.yaml");
  writeFileSync(file, JSON.stringify({ config }));
  let made: Promise<PulumiStack> | undefined;
  const opened = (): Promise<PulumiStack> =>
    (made ??= labStack(basename(directory).toLowerCase(), target.kubeconfig, plainConfig(config)));
  return {
    file,
    directory,
    run: async (operation) => (await opened())[operation]({ timeoutSeconds: 240 }),
    preview: async () => (await opened()).preview(),
  };
}

/** Removes the example's own files. */
export function closeExample({ directory }: Example): void {
  rmSync(directory, { recursive: true, force: true });
}

const execute = promisify(execFile);

/** kubectl: the lab's own on the bare cluster, else the one on PATH. @returns what it printed on both streams */
export async function onCluster(
  { engine, kubeconfig }: Pick<Cluster, "engine" | "kubeconfig">,
  ...args: readonly string[]
): Promise<string> {
  const command = engine === "bare" ? binary("kubectl") : "kubectl";
  const { stdout, stderr } = await execute(command, ["--kubeconfig", kubeconfig, ...args], {
    timeout: 60_000,
  });
  return `${stdout}${stderr}`;
}

/**
 * What the API server says to objects in a server-side dry run, which makes nothing.
 *
 * @param place their file (`-f`), or the directory of a kustomization (`-k`)
 * @returns a line for each object that it takes
 * @throws Error for one that it refuses, or of which it does not know a field
 */
export async function dryRun(cluster: Cluster, ...place: ["-f" | "-k", string]): Promise<string[]> {
  const apply = ["apply", "--server-side", "--dry-run=server", "--validate=strict"];
  // A foreign object of the same name does not matter: nothing is written.
  const said = await onCluster(cluster, ...apply, "--force-conflicts", ...place);
  return said.split("\n").filter((line) => line.includes("serverside-applied"));
}

/** Writes objects as a file that kubectl reads. @returns its path */
export function writeList(path: string, objects: readonly unknown[]): string {
  writeFileSync(path, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  return path;
}

/** A namespace that rejects pods that are not restricted, like those of the program. */
export async function restrictedNamespace(kube: Kube, name: string): Promise<void> {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await kube.core.createNamespace({ body: { metadata: { name, labels } } });
}
