import { cpSync } from "node:fs";
import { join } from "node:path";

import { onPath } from "../exec";
import { ensureBuilt, type GoBuild, targetOf } from "../go-modules";
import type { Log } from "../log";
import { kubernetesVersion, versionFlag } from "./binaries";

/** Folder of the files that kind's own base image has, as they are in its module. */
const baseFiles = "node-files";

/** Pins the Kubernetes version too: each kind release names its node image by digest. */
const kind: GoBuild = {
  name: "kind",
  what: "kind",
  minutes: 1,
  scratchGiB: 1,
  sources: [],
  packages: ["sigs.k8s.io/kind"],
  output: "kind",
  flags: ["-ldflags=-s -w"],
  trimmed: { module: "sigs.k8s.io/kind", empty: [] },
  finish(directory, module) {
    cpSync(join(module, "images", "base", "files"), join(directory, baseFiles), {
      recursive: true,
    });
  },
};

const kubeadm = (): GoBuild => ({
  name: "kubeadm",
  what: `kubeadm ${kubernetesVersion()}`,
  minutes: 2,
  scratchGiB: 2,
  sources: [],
  packages: ["k8s.io/kubernetes/cmd/kubeadm"],
  output: "kubeadm",
  flags: [versionFlag()],
});

/** kind's command and, where the lab built it, the files of its base image. */
export const kindDir = (): string => targetOf(kind);
export const kindBaseFiles = (): string => join(kindDir(), baseFiles);
export const kubeadmDir = (): string => targetOf(kubeadm());
export const kubeadmBinary = (): string => join(kubeadmDir(), "kubeadm");

/** The kind of the machine, else the lab's, built once. @throws UserError where it cannot be */
export const kindCommand = async (log: Log): Promise<string> =>
  (await onPath("kind")) ? "kind" : join(await ensureBuilt(kind, log), "kind");

/** What a node image of the lab's own is made with. @throws UserError where it cannot be built */
export async function ensureNodeBinaries(log: Log): Promise<void> {
  await ensureBuilt(kind, log);
  await ensureBuilt(kubeadm(), log);
}
