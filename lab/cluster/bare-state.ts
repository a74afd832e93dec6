import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

import { clusterRecordIn, paths } from "../paths";
import type { NetworkPlan } from "./network";

/** What has to be known to use a started bare cluster, or to clean up after one that died. */
export interface BareState {
  readonly plan: NetworkPlan;
  /** The kernel's settings before the start. */
  readonly kernel: Readonly<Record<string, string>>;
  /** The boot these were read in: a restart of the machine resets them by itself. */
  readonly bootId?: string;
  /** Whether the packet filter had the table of iptables before. */
  readonly filterTable?: boolean;
  /** Directories outside the lab's own that were not there before, and that the kubelet and containerd make. */
  readonly madeDirs: readonly string[];
  /** Whether the start came to its end; a cluster that did not is taken down before the next. */
  readonly complete: boolean;
}

/** Places that are fixed in the code of the kubelet, containerd's shims and libcni. */
const fixedPlaces = ["/var/lib/kubelet", "/var/lib/cni", "/run/containerd", "/var/log/containers"];

/** Which of those places are free now, and so the lab's to remove afterwards. */
export const absentPlaces = (): string[] => fixedPlaces.filter((dir) => !existsSync(dir));

const file = clusterRecordIn(paths.cache);

/** The daemons of a bare cluster, in the order they are stopped: whoever restarts others goes first. */
export const daemons = [
  "kubelet",
  "kube-proxy",
  "network-policies",
  "metrics-server",
  "kube-scheduler",
  "kube-controller-manager",
  "kube-apiserver",
  "etcd",
] as const;

export function readBareState(): BareState | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as BareState;
  } catch {
    return undefined;
  }
}

export function writeBareState(state: BareState): void {
  mkdirSync(paths.run, { recursive: true, mode: 0o711 });
  // A kill in the middle must not leave half a file: without it nobody could clean up.
  writeFileSync(`${file}.new`, JSON.stringify(state, null, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Identifies the time since the machine was started. */
export const currentBoot = (): string =>
  readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

export const removeBareState = (): void => rmSync(file, { force: true });
