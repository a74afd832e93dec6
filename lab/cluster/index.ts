import { UserError } from "@mcp-fleet/errors";

import type { Log } from "../log";
import { bareIsPossible, bareStatus, ensureBare } from "./bare";
import { containerEngine } from "./container-engine";
import { givenByUser, useGiven } from "./given";
import { ensureKind, kindIsPossible, kindStatus, stopKind } from "./kind";
import { withClusterLock } from "./lock";
import { stopBare } from "./teardown";
import type { Cluster, ClusterStatus } from "./types";

export type { Cluster, ClusterStatus } from "./types";

/**
 * Gives the lab a Kubernetes, the first of these that is possible:
 *
 * 1. the cluster the user names for the lab ({@link givenByUser});
 * 2. kind, when a container engine answers and kind is on PATH or Go is there to build it;
 * 3. as root on Linux, a single-node cluster run directly on this machine.
 *
 * `LAB_ENGINE=kind` or `LAB_ENGINE=bare` takes that one without looking at the others. One that runs
 * already is returned as it is, in well under a second.
 *
 * @throws UserError when none is possible, or the one chosen does not start.
 */
export async function ensureCluster(log: Log): Promise<Cluster> {
  const given = givenByUser();
  if (given !== undefined) return useGiven(given);
  const wanted = process.env.LAB_ENGINE ?? "";
  if (!["", "kind", "bare"].includes(wanted)) {
    throw new UserError(
      `LAB_ENGINE is "${wanted}", which the lab does not know.`,
      "Set it to kind or to bare, or unset it.",
    );
  }
  if (process.env.KUBECONFIG !== undefined) {
    log.info(
      "KUBECONFIG is left alone; to use its cluster for the lab, name a context in LAB_CONTEXT",
    );
  }
  return withClusterLock(async () => {
    const engine = wanted === "bare" ? undefined : await runningOrPossibleEngine();
    if (engine !== undefined) return ensureKind(engine, log);
    if (wanted !== "kind" && bareIsPossible()) return ensureBare(log);
    throw new UserError(
      wanted === "kind"
        ? "LAB_ENGINE is kind, but no container engine answers or kind cannot be had."
        : "This machine offers the lab no Kubernetes: none is named, no container engine answers, and this is not root on Linux.",
      "Choose one of three: name a cluster in LAB_KUBECONFIG (a kubeconfig file), start Docker or Podman with kind or Go on PATH, or run as root on Linux.",
    );
  });
}

/** Which of the three this machine offers, undefined when none. Nothing is started or installed. */
export async function offeredEngine(): Promise<Cluster["engine"] | undefined> {
  if (givenByUser() !== undefined) return "given";
  const wanted = process.env.LAB_ENGINE ?? "";
  if (wanted !== "bare" && (await runningOrPossibleEngine()) !== undefined) return "kind";
  return wanted !== "kind" && bareIsPossible() ? "bare" : undefined;
}

/** Stops and removes the cluster the lab started, and all traces of it; does nothing to one it was given. */
export async function stopCluster(): Promise<void> {
  await withClusterLock(async () => {
    await stopBare();
    await stopKind();
  });
}

/** What runs of the lab's cluster, for `make status`. */
export async function clusterStatus(): Promise<ClusterStatus> {
  const given = givenByUser();
  if (given !== undefined) {
    try {
      const { engine, kubeconfig, context, nodeIp } = await useGiven(given);
      return { running: true, engine, kubeconfig, context, nodeIp };
    } catch {
      return { running: false, engine: "given", kubeconfig: given.file };
    }
  }
  return (await bareStatus()) ?? (await kindStatus()) ?? { running: false };
}

/** A bare cluster that runs is kept, even if a container engine has come up since. */
async function runningOrPossibleEngine(): ReturnType<typeof containerEngine> {
  if ((await bareStatus())?.running === true) return undefined;
  const engine = await containerEngine();
  return engine !== undefined && (await kindIsPossible()) ? engine : undefined;
}
