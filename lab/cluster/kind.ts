import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { UserError } from "@mcp-fleet/errors";

import { onPath, run } from "../exec";
import { ensureKindNode } from "../images/kind-node";
import type { Log } from "../log";
import { paths } from "../paths";
import { imagesCanBePulled } from "../registries";
import { binary, ensureBinaries } from "./binaries";
import type { ContainerEngine } from "./container-engine";
import { ensureNodeBinaries, kindCommand, kindDir } from "./kind-binaries";
import { kindConfig } from "./kind-config";
import { ensurePackages } from "./packages";
import { clusterName } from "./pki";
import type { Cluster, ClusterStatus } from "./types";

/** Written when the lab made the kind cluster; one of the same name without it is somebody else's. */
const marker = join(paths.run, "kind.json");
const context = `kind-${clusterName}`;
/** The engine's network that kind puts all its nodes in. */
const network = "kind";

/** What has to be known to remove the cluster. */
interface Made {
  readonly kind: string;
  readonly engine: ContainerEngine;
  /** Whether kind's network was there before. */
  readonly network: boolean;
}

/** Whether kind can be had: on PATH, already built, or to be built with the Go on PATH. */
export const kindIsPossible = async (): Promise<boolean> =>
  existsSync(kindDir()) || (await onPath("kind")) || (await onPath("go"));

/**
 * Makes the lab's kind cluster, or returns the one it made before.
 *
 * @throws UserError when a cluster of this name exists that the lab did not make, or kind fails.
 */
export async function ensureKind(engine: ContainerEngine, log: Log): Promise<Cluster> {
  const kind = await kindCommand(log);
  const exists = await clusterExists(kind, engine);
  if (exists && !existsSync(marker)) {
    throw new UserError(
      `A kind cluster named ${clusterName} exists that this lab did not make.`,
      `Delete it with \`kind delete cluster --name ${clusterName}\`, or name it in LAB_CONTEXT=${context}.`,
    );
  }
  if (!exists) await create(kind, engine, log);
  return {
    engine: "kind",
    kubeconfig: paths.kubeconfig,
    context,
    nodeIp: await gateway(engine),
    importImage: (archive) => loadIntoKind(clusterName, archive, kind, engine),
    hasImage: (ref) => nodeHasImage(engine, ref),
  };
}

async function create(kind: string, engine: ContainerEngine, log: Log): Promise<void> {
  const own = (await imagesCanBePulled()) ? undefined : await ownNode(engine, log);
  mkdirSync(paths.run, { recursive: true, mode: 0o711 });
  // A start that failed may have made the network.
  const before = readMarker()?.network ?? (await hasNetwork(engine));
  const made: Made = { kind, engine, network: before };
  writeFileSync(marker, JSON.stringify(made));
  const where = ["--name", clusterName, "--kubeconfig", paths.kubeconfig];
  const image = own === undefined ? [] : ["--image", own.image];
  const from = own === undefined ? "its node image is pulled once" : "its node image is the lab's";
  await log.step(`Making a kind cluster with ${engine} (${from})`, () =>
    run(kind, ["create", "cluster", ...where, ...image, "--config", "-", "--wait", "180s"], {
      timeoutSeconds: 900,
      env: provider(engine),
      input: JSON.stringify(kindConfig(own?.images)),
    }),
  );
}

/** A node made here. */
async function ownNode(engine: ContainerEngine, log: Log): ReturnType<typeof ensureKindNode> {
  log.info("No image can be pulled here, so the lab makes them all, kind's node image too");
  await ensurePackages(log);
  await ensureBinaries(log);
  await ensureNodeBinaries(log);
  return ensureKindNode(engine, log);
}

/** Loads an image archive into every node of a kind cluster. */
export async function loadIntoKind(
  cluster: string,
  archive: string,
  kind = "kind",
  engine: ContainerEngine = "docker",
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
  // kind keeps its network for the next cluster, of whoever.
  if (!made.network) await run(made.engine, ["network", "rm", network]).catch(() => "");
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
  const kubectl = binary("kubectl");
  return {
    ...{ running, engine: "kind", kubeconfig: paths.kubeconfig, context, nodeIp },
    ...(existsSync(kubectl) ? { kubectl } : {}),
  };
}

function readMarker(): Made | undefined {
  try {
    return JSON.parse(readFileSync(marker, "utf8")) as Made;
  } catch {
    return undefined;
  }
}

const provider = (engine: ContainerEngine): Record<string, string> => ({
  KIND_EXPERIMENTAL_PROVIDER: engine,
});

const clusterExists = async (kind: string, engine: ContainerEngine): Promise<boolean> =>
  (await run(kind, ["get", "clusters"], { timeoutSeconds: 60, env: provider(engine) }))
    .split("\n")
    .includes(clusterName);

const hasNetwork = (engine: ContainerEngine): Promise<boolean> =>
  run(engine, ["network", "inspect", network]).then(
    () => true,
    () => false,
  );

/** The machine's address on the network of kind's nodes. */
async function gateway(engine: ContainerEngine): Promise<string> {
  const networks = JSON.parse(await run(engine, ["network", "inspect", network])) as unknown;
  const found = /"[Gg]ateway": ?"(\d+\.\d+\.\d+\.\d+)"/.exec(JSON.stringify(networks));
  if (found?.[1] !== undefined) return found[1];
  throw new UserError(
    `The ${engine} network "kind" has no IPv4 gateway, by which pods would reach this machine.`,
    "Name the address in LAB_NODE_IP together with LAB_CONTEXT, or run the lab as root on Linux.",
  );
}

async function nodeHasImage(engine: ContainerEngine, ref: string): Promise<boolean> {
  const list = ["ctr", "--namespace", "k8s.io", "images", "list", "-q", `name==${ref}`];
  const found = await run(engine, ["exec", `${clusterName}-control-plane`, ...list]);
  return found.trim() === ref;
}
