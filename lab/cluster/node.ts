import {
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { paths } from "../paths";
import { binary } from "./binaries";
import { cgroupRoot, makeCgroups } from "./cgroups";
import { containerdSocket } from "./containerd";
import { kubectl } from "./kubectl";
import { nameServers, type NetworkPlan } from "./network";
import { clusterName, type Pki } from "./pki";
import { startDaemon, waitReady } from "./processes";

const kubeletDir = join(paths.run, "kubelet");
const podLogs = join(paths.run, "pod-logs");
/** Links the kubelet makes to the pods' logs; the place is fixed in its code. */
const legacyLogLinks = "/var/log/containers";

/** Starts the kubelet and kube-proxy. */
export async function startNode(plan: NetworkPlan, pki: Pki): Promise<void> {
  for (const dir of [kubeletDir, podLogs]) mkdirSync(dir, { recursive: true, mode: 0o755 });
  makeCgroups();
  const kubeletFile = join(kubeletDir, "config.json");
  writeFileSync(kubeletFile, JSON.stringify(kubeletConfig(plan, pki), null, 2));
  const proxyFile = join(kubeletDir, "proxy.json");
  writeFileSync(proxyFile, JSON.stringify(proxyConfig(plan, pki), null, 2));
  await Promise.all([
    startDaemon({
      name: "kubelet",
      command: binary("kubelet"),
      args: [
        `--config=${kubeletFile}`,
        `--kubeconfig=${pki.kubeconfigs.kubelet}`,
        `--hostname-override=${clusterName}`,
        `--node-ip=${plan.nodeIp}`,
        `--root-dir=${kubeletDir}`,
        `--cert-dir=${join(kubeletDir, "pki")}`,
      ],
      env: { GOGC: "50", GOMEMLIMIT: "200MiB" },
    }),
    startDaemon({
      name: "kube-proxy",
      command: binary("kube-proxy"),
      args: [`--config=${proxyFile}`, `--hostname-override=${clusterName}`],
      env: { GOGC: "50", GOMEMLIMIT: "100MiB" },
    }),
  ]);
}

/** Waits until the node takes pods. */
export async function waitNodeReady(): Promise<void> {
  const condition = '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}';
  await waitReady(
    "kubelet",
    async () => (await kubectl(["get", "node", clusterName, condition])) === "True",
    60,
  );
}

/** Removes what the kubelet leaves outside the lab's own directory. */
export function removeNodeTraces(): void {
  if (!existsSync(legacyLogLinks)) return;
  for (const name of readdirSync(legacyLogLinks)) {
    const link = join(legacyLogLinks, name);
    if (linkTarget(link).startsWith(podLogs)) rmSync(link, { force: true });
  }
  if (readdirSync(legacyLogLinks).length === 0) rmdirSync(legacyLogLinks);
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function kubeletConfig(plan: NetworkPlan, pki: Pki): unknown {
  const resolvConf = join(kubeletDir, "resolv.conf");
  // The machine's own search domains have no meaning in pods.
  writeFileSync(
    resolvConf,
    nameServers()
      .map((ip) => `nameserver ${ip}\n`)
      .join(""),
  );
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: plan.nodeIp,
    healthzBindAddress: plan.nodeIp,
    tlsCertFile: pki.kubeletServer.cert,
    tlsPrivateKeyFile: pki.kubeletServer.key,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: pki.ca },
    },
    authorization: { mode: "Webhook" },
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot,
    failCgroupV1: false,
    failSwapOn: false,
    clusterDomain: "cluster.local",
    clusterDNS: [plan.dnsIp],
    resolvConf,
    podLogsDir: podLogs,
    makeIPTablesUtilChains: false,
    oomScoreAdj: 0,
    // Images come from archives, not from a registry: one that is collected is gone.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: {
      "memory.available": "100Mi",
      "nodefs.available": "1%",
      "imagefs.available": "1%",
    },
    serializeImagePulls: false,
    // A lab is watched by somebody who waits.
    nodeStatusUpdateFrequency: "5s",
    syncFrequency: "15s",
  };
}

const proxyConfig = (plan: NetworkPlan, pki: Pki): unknown => ({
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  mode: "nftables",
  bindAddress: plan.nodeIp,
  healthzBindAddress: `${plan.nodeIp}:10256`,
  metricsBindAddress: `${plan.nodeIp}:10249`,
  nodePortAddresses: [`${plan.nodeIp}/32`],
  // By default a new endpoint may wait a second for its rules.
  nftables: { minSyncPeriod: "100ms" },
  clusterCIDR: plan.podCidr,
  clientConnection: { kubeconfig: pki.kubeconfigs["kube-proxy"] },
  // Leave the machine's own connection tracking settings alone.
  conntrack: {
    maxPerCore: 0,
    min: 0,
    tcpEstablishedTimeout: "0s",
    tcpCloseWaitTimeout: "0s",
  },
});
