import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { CoreV1Api, CustomObjectsApi, type KubeConfig } from "@kubernetes/client-node";

import type { Cluster } from "../../lab/cluster";
import { binary } from "../../lab/cluster/binaries";
import type { Kube } from "../../lab/kube";
import { silentLog } from "../../lab/log";
import { paths } from "../../lab/paths";
import { type RunOptions, runProgram, type RunResult } from "../../lab/runner/runner";
import { loadStackConfig } from "../../lab/runner/stack-config";
import { stackFile } from "./stack-file";

/** A stack file of `examples`, deployed by the lab runner into a namespace of its own. */
export interface Example {
  /** The file as it is run: the example's, with what the test put in its place. */
  readonly file: string;
  readonly directory: string;
  run(mode: RunOptions["mode"]): Promise<RunResult>;
}

/**
 * @param changes new values by key, or a function of the old one; keys without the `mcp-fleet:` prefix
 * @param directory that of an example already run, which goes on with this configuration
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
  return {
    file,
    directory,
    run: (mode) =>
      runProgram({
        mode,
        projectDir: paths.projectDir,
        project: "mcp-fleet",
        stack: stack.replaceAll("/", "-"),
        config: loadStackConfig(file),
        kubeconfig: target.kubeconfig,
        stateFile: join(directory, "state.json"),
        statePassphrase: "example",
        log: silentLog,
        timeoutSeconds: 240,
      }),
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

/** A namespace that refuses pods which are not restricted, as the program makes its own. */
export async function restrictedNamespace(kube: Kube, name: string): Promise<void> {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await kube.core.createNamespace({ body: { metadata: { name, labels } } });
}

/** A CustomResourceDefinition, as far as its name matters. */
export interface StandIn {
  readonly metadata: { readonly name: string };
}

/**
 * The CRD of an operator that the lab does not have: a stand-in that takes any spec, so that its objects can be made.
 * Nothing acts on them.
 */
export function standInCrd(group: string, version: string, kind: string): StandIn {
  const singular = kind.toLowerCase();
  const plural = singular.endsWith("y") ? `${singular.slice(0, -1)}ies` : `${singular}s`;
  // The client library writes it with dashes, and leaves out what already has them.
  const open = { type: "object", x_kubernetes_preserve_unknown_fields: true };
  const crd = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, labels: { "mcp-fleet.dev/stand-in": "true" } },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, singular, plural, listKind: `${kind}List` },
      versions: [
        {
          ...{ name: version, served: true, storage: true },
          schema: { openAPIV3Schema: { type: "object", properties: { spec: open } } },
        },
      ],
    },
  };
  return crd;
}

/** Does once what Infisical's operator would: makes the Secret that the namespace's InfisicalSecret asks for. */
export async function playInfisical(config: KubeConfig, namespace: string): Promise<void> {
  const objects = config.makeApiClient(CustomObjectsApi);
  const core = config.makeApiClient(CoreV1Api);
  const kind = {
    ...{ group: "secrets.infisical.com", version: "v1alpha1", plural: "infisicalsecrets" },
    namespace,
  };
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { items } = (await objects.listNamespacedCustomObject(kind)) as { items: Infisical[] };
    const [wanted] = items.flatMap(({ spec }) => spec.managedKubeSecretReferences);
    if (wanted !== undefined) {
      const stringData = { OUTLINE_API_KEY: "made-by-the-test" };
      const body = { metadata: { name: wanted.secretName }, stringData };
      await core.createNamespacedSecret({ namespace: wanted.secretNamespace, body });
      return;
    }
    if (Date.now() > deadline) throw new Error(`no InfisicalSecret in ${namespace}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

interface Infisical {
  readonly spec: {
    readonly managedKubeSecretReferences: readonly {
      readonly secretName: string;
      readonly secretNamespace: string;
    }[];
  };
}
