import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { onPath, run } from "../exec";
import { paths } from "../paths";
import { type BareState, currentBoot, daemons, readBareState, removeBareState } from "./bare-state";
import { removeCgroups } from "./cgroups";
import { endShims, imageStore, podNetwork, purgeContainers } from "./containerd";
import { leftoverPlan, networkDown, restoreKernelSettings } from "./network";
import { removeNodeTraces } from "./node";
import { policiesDown } from "./policies";
import { runningPid, stopDaemon } from "./processes";

/** Directories under the lab's run directory that belong to the bare cluster. */
const ownDirs = ["containerd", "cni", "etcd", "kubelet", "pod-logs", "pki"];

/**
 * Stops the bare cluster and removes what it made: processes, mounts, interfaces, packet filter
 * tables, control groups, kernel settings and files. Built binaries and images stay in the cache.
 * Works as well on what is left of one that died or was never fully started.
 */
export async function stopBare(): Promise<void> {
  const state = readBareState() ?? (await lostState());
  if (state === undefined) return;
  const [kubelet, ...others] = daemons;
  // Nothing of theirs is kept, so they need no time to wind up; containerd does, it keeps the images.
  await stopDaemon(kubelet, 1);
  await Promise.all(others.map((name) => stopDaemon(name, 1)));
  if (runningPid("containerd") !== undefined) await purgeContainers().catch(() => undefined);
  await stopDaemon("containerd");
  await endShims();
  await removeCgroups();
  await unmountUnder(paths.run);
  await unmountUnder(imageStore);
  await networkDown(state.plan);
  await policiesDown(state.filterTable ?? true);
  if (state.bootId === currentBoot()) restoreKernelSettings(state.kernel);
  removeNodeTraces();
  removeNetworkCache();
  // Another container runtime may have come to the machine since: its directory is not ours to remove.
  const made = state.madeDirs.filter((dir) => !existsSync(join(dir, "containerd.sock")));
  const dirs = [...ownDirs.map((dir) => join(paths.run, dir)), ...made];
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  rmSync(paths.kubeconfig, { force: true });
  removeBareState();
}

/** What can be known of a cluster whose record was lost: its interface says which addresses it has. */
async function lostState(): Promise<BareState | undefined> {
  if (!(await onPath("ip"))) return undefined;
  const plan = await leftoverPlan();
  return plan === undefined ? undefined : { plan, kernel: {}, madeDirs: [], complete: false };
}

/** Takes away every mount below `dir`, the innermost first. */
async function unmountUnder(dir: string): Promise<void> {
  const mounted = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[1] ?? "").replaceAll("\\040", " "))
    .filter((target) => target.startsWith(`${dir}/`))
    .reverse();
  for (const target of mounted) {
    // Lazily when it is still in use, so that a file somebody holds open does not keep the lab up.
    await run("umount", [target]).catch(() => run("umount", ["--lazy", target]));
  }
}

/** Removes libcni's notes on the lab's pods, which it keeps in one place for all of a machine's networks. */
function removeNetworkCache(): void {
  const dir = "/var/lib/cni/results";
  if (!existsSync(dir)) return;
  const files = readdirSync(dir);
  // The loopback interface of a pod has a note too, told from other clusters' by the pod's id only.
  const pods = files
    .filter((name) => name.startsWith(`${podNetwork}-`))
    .map((name) => name.slice(podNetwork.length + 1).replace(/-[^-]*$/, ""));
  for (const name of files) {
    if (pods.some((pod) => name.includes(pod))) rmSync(join(dir, name), { force: true });
  }
}
