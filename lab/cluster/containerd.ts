import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "../exec";
import { paths } from "../paths";
import type { NetworkPlan } from "./network";
import { cniPluginDir } from "./packages";
import { endProcess, findProcesses, startDaemon, waitReady } from "./processes";

/** What the running containerd keeps; removed by `make down`. */
const stateDir = join(paths.run, "containerd");
/** Images and their unpacked layers; kept by `make down`, so that the next start need not import them again. */
export const imageStore = join(paths.cache, "containerd");
const cniDir = join(paths.run, "cni");
/** Name of the pod network; libcni names its files after it. */
export const podNetwork = "mcp-fleet-lab";

export const containerdSocket = join(stateDir, "containerd.sock");
/** The namespace of containerd that the kubelet's containers and images are in. */
const namespace = "k8s.io";

/** Starts the lab's own containerd, next to any other one of the machine. */
export async function startContainerd(plan: NetworkPlan, pauseRef: string): Promise<void> {
  for (const dir of [stateDir, imageStore, cniDir])
    mkdirSync(dir, { recursive: true, mode: 0o711 });
  const config = join(stateDir, "config.toml");
  writeFileSync(config, containerdConfig(pauseRef));
  writeFileSync(join(cniDir, "10-pods.conflist"), JSON.stringify(podNetworkConfig(plan), null, 2));
  await startDaemon({
    name: "containerd",
    command: "containerd",
    args: ["--config", config],
    env: { GOGC: "50" },
  });
  await waitReady("containerd", async () => (await ctr(["version"])) !== "", 20);
}

/** Runs `ctr` against the lab's containerd. */
export const ctr = (args: readonly string[], timeoutSeconds = 60): Promise<string> =>
  run("ctr", ["--address", containerdSocket, "--namespace", namespace, ...args], {
    timeoutSeconds,
  });

/** Loads an image archive (OCI layout or `docker save`) for the kubelet to find. */
export async function importImage(archive: string): Promise<void> {
  await ctr(["images", "import", archive], 600);
}

export async function hasImage(ref: string): Promise<boolean> {
  return (await ctr(["images", "list", "-q", `name==${ref}`])).trim() === ref;
}

/**
 * Removes every container the lab's containerd knows of, running or left over from a crash, and the
 * shims that held them. Images stay.
 */
export async function purgeContainers(): Promise<void> {
  const names = async (kind: string): Promise<string[]> =>
    (await ctr([kind, "list", "-q"])).split("\n").filter((name) => name !== "");
  const tasks = await names("tasks");
  if (tasks.length > 0) await ctr(["tasks", "delete", "--force", ...tasks]).catch(() => "");
  const containers = await names("containers");
  if (containers.length > 0) await ctr(["containers", "delete", ...containers]);
}

/** Ends the shims of the lab's containers; they outlive containerd by design. */
export async function endShims(): Promise<void> {
  const shims = findProcesses(
    ([command = "", ...args]) =>
      command.includes("containerd-shim") && args.includes(containerdSocket),
  );
  await Promise.all(shims.map((pid) => endProcess(pid, 0)));
}

function containerdConfig(pauseRef: string): string {
  // `restrict_oom_score_adj`: a machine may not let even root lower a process's OOM score.
  return `version = 2
root = "${imageStore}"
state = "${stateDir}/state"
oom_score = 0
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]

[grpc]
  address = "${containerdSocket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseRef}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  max_concurrent_downloads = 3

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${cniPluginDir()}"
  conf_dir = "${cniDir}"

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
  Root = "${stateDir}/runc"
`;
}

/** Each pod has a wire of its own to the machine and is reached by a route: no bridge, no iptables. */
const podNetworkConfig = (plan: NetworkPlan): unknown => ({
  cniVersion: "0.4.0",
  name: podNetwork,
  plugins: [
    {
      type: "ptp",
      mtu: plan.mtu,
      ipMasq: false,
      ipam: {
        type: "host-local",
        dataDir: join(cniDir, "addresses"),
        ranges: [[{ subnet: plan.podCidr }]],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    },
  ],
});
