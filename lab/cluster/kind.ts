import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { UserError } from "@mcp-fleet/errors";

import { onPath, run } from "../exec";
import { ensureBuilt, type GoBuild, targetOf } from "../go-modules";
import type { Log } from "../log";
import { paths } from "../paths";
import { clusterName } from "./pki";
import type { Cluster, ClusterStatus } from "./types";

/** Pins the Kubernetes version too: each kind release names its node image by digest. */
const kindBuild: GoBuild = {
  name: "kind",
  what: "kind",
  minutes: 1,
  scratchGiB: 1,
  sources: [],
  packages: ["sigs.k8s.io/kind"],
  output: "kind",
  flags: ["-ldflags=-s -w"],
};
/** Written when the lab made the kind cluster; one of the same name without it is somebody else's. */
const marker = join(paths.run, "kind.json");
const context = `kind-${clusterName}`;

type Engine = "docker" | "podman";

/** The container engine that answers on this machine, if one does. A client alone is none. */
export async function containerEngine(): Promise<Engine | undefined> {
  for (const engine of ["docker", "podman"] as const) {
    if (!(await onPath(engine))) continue;
    const answered = await run(engine, ["info"], { timeoutSeconds: 15 }).then(
      () => true,
      () => false,
    );
    if (answered) return engine;
  }
  return undefined;
}

/** Whether kind can be had: on PATH, already built, or to be built with the Go on PATH. */
export const kindIsPossible = async (): Promise<boolean> =>
  existsSync(targetOf(kindBuild)) || (await onPath("kind")) || (await onPath("go"));

/**
 * Makes the lab's kind cluster, or returns the one it made before.
 *
 * @throws UserError when a cluster of this name exists that the lab did not make, or kind fails.
 */
export async function ensureKind(engine: Engine, log: Log): Promise<Cluster> {
  const kind = await kindCommand(log);
  const exists = await clusterExists(kind, engine);
  if (exists && !existsSync(marker)) {
    throw new UserError(
      `A kind cluster named ${clusterName} exists that this lab did not make.`,
      `Delete it with \`kind delete cluster --name ${clusterName}\`, or name it in LAB_CONTEXT=${context}.`,
    );
  }
  if (!exists) {
    mkdirSync(paths.run, { recursive: true, mode: 0o711 });
    writeFileSync(marker, JSON.stringify({ kind, engine }));
    const where = ["--name", clusterName, "--kubeconfig", paths.kubeconfig];
    await log.step(`Making a kind cluster with ${engine} (its node image is pulled once)`, () =>
      run(kind, ["create", "cluster", ...where, "--wait", "180s"], {
        timeoutSeconds: 900,
        env: provider(engine),
      }),
    );
  }
  return {
    engine: "kind",
    kubeconfig: paths.kubeconfig,
    context,
    nodeIp: await gateway(engine),
    importImage: (archive) => loadIntoKind(clusterName, archive, kind, engine),
    hasImage: (ref) => nodeHasImage(engine, ref),
  };
}

/** Loads an image archive into every node of a kind cluster. */
export async function loadIntoKind(
  cluster: string,
  archive: string,
  kind = "kind",
  engine: Engine = "docker",
): Promise<void> {
  const args = ["load", "image-archive", archive, "--name", cluster];
  await run(kind, args, { timeoutSeconds: 600, env: provider(engine) });
}

/** Deletes the kind cluster if the lab made it. */
export async function stopKind(): Promise<void> {
  const made = readMarker();
  if (made === undefined) return;
  const args = ["delete", "cluster", "--name", clusterName, "--kubeconfig", paths.kubeconfig];
  await run(made.kind, args, { timeoutSeconds: 180, env: provider(made.engine) });
  rmSync(paths.kubeconfig, { force: true });
  rmSync(marker, { force: true });
}

/** State of the lab's kind cluster, undefined when the lab made none. */
export async function kindStatus(): Promise<ClusterStatus | undefined> {
  const made = readMarker();
  if (made === undefined) return undefined;
  const running = await clusterExists(made.kind, made.engine).catch(() => false);
  if (!running) return { running, engine: "kind" };
  const nodeIp = await gateway(made.engine);
  return { running, engine: "kind", kubeconfig: paths.kubeconfig, context, nodeIp };
}

function readMarker(): { kind: string; engine: Engine } | undefined {
  try {
    return JSON.parse(readFileSync(marker, "utf8")) as { kind: string; engine: Engine };
  } catch {
    return undefined;
  }
}

async function kindCommand(log: Log): Promise<string> {
  if (await onPath("kind")) return "kind";
  return join(await ensureBuilt(kindBuild, log), "kind");
}

const provider = (engine: Engine): Record<string, string> => ({
  KIND_EXPERIMENTAL_PROVIDER: engine,
});

const clusterExists = async (kind: string, engine: Engine): Promise<boolean> =>
  (await run(kind, ["get", "clusters"], { timeoutSeconds: 60, env: provider(engine) }))
    .split("\n")
    .includes(clusterName);

/** The machine's address on the network of kind's nodes. */
async function gateway(engine: Engine): Promise<string> {
  const networks = JSON.parse(await run(engine, ["network", "inspect", "kind"])) as unknown;
  const found = /"[Gg]ateway": ?"(\d+\.\d+\.\d+\.\d+)"/.exec(JSON.stringify(networks));
  if (found?.[1] !== undefined) return found[1];
  throw new UserError(
    `The ${engine} network "kind" has no IPv4 gateway, by which pods would reach this machine.`,
    "Name the address in LAB_NODE_IP together with LAB_CONTEXT, or run the lab as root on Linux.",
  );
}

async function nodeHasImage(engine: Engine, ref: string): Promise<boolean> {
  const list = ["ctr", "--namespace", "k8s.io", "images", "list", "-q", `name==${ref}`];
  const found = await run(engine, ["exec", `${clusterName}-control-plane`, ...list]);
  return found.trim() === ref;
}
