import { chmodSync, copyFileSync, existsSync } from "node:fs";

import { UserError } from "@mcp-fleet/errors";

import { ensureImages, plannedReferences } from "../images";
import type { Log } from "../log";
import { paths } from "../paths";
import {
  absentPlaces,
  type BareState,
  currentBoot,
  daemons,
  readBareState,
  writeBareState,
} from "./bare-state";
import { binary, ensureBinaries } from "./binaries";
import { hasImage, importImage, purgeContainers, startContainerd } from "./containerd";
import { apiUrl, startControlPlane } from "./control-plane";
import { applyDns, waitDns } from "./dns";
import { kubectl } from "./kubectl";
import { startMetrics } from "./metrics";
import {
  foreignKubeProxy,
  leftoverPlan,
  networkUp,
  otherLab,
  planNetwork,
  readKernelSettings,
} from "./network";
import { startNode, waitNodeReady } from "./node";
import { ensurePackages } from "./packages";
import { clusterName, makePki } from "./pki";
import { hasFilterTable, startPolicies } from "./policies";
import { runningPid } from "./processes";
import { stopBare } from "./teardown";
import type { Cluster, ClusterStatus } from "./types";

/** Whether this machine can run Kubernetes directly: Linux, and root. */
export const bareIsPossible = (): boolean =>
  process.platform === "linux" && process.getuid?.() === 0;

/**
 * Runs a single-node Kubernetes directly on this machine, or returns the one that already runs.
 * What is left of one that died is removed first.
 *
 * @throws UserError when a package or Go is missing, a port is taken, or a component does not start.
 */
export async function ensureBare(log: Log): Promise<Cluster> {
  const state = readBareState();
  if (state?.complete === true && deadDaemons().length === 0 && (await apiAnswers())) {
    return bareCluster(state);
  }
  await ensurePackages(log);
  await ensureBinaries(log);
  if (state !== undefined) {
    await log.step("Removing what an earlier cluster left", stopBare);
  }
  return log.step("Starting Kubernetes on this machine", async () => {
    try {
      return bareCluster(await start(log));
    } catch (error) {
      // Half a cluster is of no use; the logs stay.
      await stopBare();
      throw error;
    }
  });
}

/** State of the bare cluster, undefined when none was started. */
export async function bareStatus(): Promise<ClusterStatus | undefined> {
  const state = readBareState();
  if (state === undefined) return undefined;
  const dead = deadDaemons();
  return {
    running: state.complete && dead.length === 0 && (await apiAnswers()),
    engine: "bare",
    kubeconfig: paths.kubeconfig,
    context: clusterName,
    nodeIp: state.plan.nodeIp,
    kubectl: binary("kubectl"),
    dead,
  };
}

async function start(log: Log): Promise<BareState> {
  const other = otherLab();
  if (other !== undefined) {
    throw new UserError(
      `A lab whose cache is ${other} runs on this machine, and there can be one.`,
      `Stop it with \`MCP_FLEET_CACHE=${other} make down\`, or use it: set MCP_FLEET_CACHE to that directory.`,
    );
  }
  // Ours, when the record of it was lost; a foreign cluster has no interface of this name.
  if ((await leftoverPlan()) !== undefined) await stopBare();
  if (await foreignKubeProxy()) {
    throw new UserError(
      "Another Kubernetes runs on this machine: there is an nftables table named kube-proxy.",
      "Use that cluster by naming its kubeconfig in LAB_KUBECONFIG, or stop it first.",
    );
  }
  const plan = await planNetwork();
  const state: BareState = {
    plan,
    kernel: readKernelSettings(),
    filterTable: await hasFilterTable(),
    bootId: currentBoot(),
    madeDirs: absentPlaces(),
    complete: false,
  };
  writeBareState(state);
  await networkUp(plan);
  const ownImages = ["pause", "coredns"] as const;
  const { pause, coredns } = await plannedReferences("bare", ownImages);
  const pki = await makePki(plan, apiUrl(plan));
  copyFileSync(pki.kubeconfigs.admin, paths.kubeconfig);
  chmodSync(paths.kubeconfig, 0o600);
  const runtime = async (): Promise<void> => {
    await startContainerd(plan, pause);
    await purgeContainers();
    await ensureImages({ engine: "bare", hasImage, importImage }, log, ownImages);
  };
  await Promise.all([startControlPlane(plan, pki), runtime()]);
  await startNode(plan, pki);
  await applyDns(plan, coredns);
  await waitNodeReady();
  await Promise.all([startPolicies(plan, pki), startMetrics(plan, pki)]);
  await waitDns(plan);
  const complete = { ...state, complete: true };
  writeBareState(complete);
  return complete;
}

const bareCluster = (state: BareState): Cluster => ({
  engine: "bare",
  kubeconfig: paths.kubeconfig,
  context: clusterName,
  nodeIp: state.plan.nodeIp,
  importImage,
  hasImage,
});

const deadDaemons = (): string[] =>
  [...daemons, "containerd"].filter((name) => runningPid(name) === undefined);

async function apiAnswers(): Promise<boolean> {
  if (!existsSync(paths.kubeconfig) || !existsSync(binary("kubectl"))) return false;
  const answer = await kubectl(["get", "--raw", "/readyz"], { timeoutSeconds: 10 }).catch(() => "");
  return answer.startsWith("ok");
}
