import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { paths } from "../paths";
import { binary } from "./binaries";
import { kubectl } from "./kubectl";
import type { NetworkPlan } from "./network";
import type { Pki } from "./pki";
import { startDaemon, waitReady } from "./processes";

const auditPolicyFile = join(paths.pki, "audit-policy.json");
const etcdDir = join(paths.run, "etcd");
/** etcd listens on a socket in a directory of root's own, so it needs neither a port nor certificates. */
const etcdSocket = join(etcdDir, "etcd.sock");

/** Ports on the node's address; the lab binds nothing on loopback or on other interfaces. */
const apiPort = 6443;

export const apiUrl = (plan: NetworkPlan): string => `https://${plan.nodeIp}:${apiPort}`;

/** Namespace whose service accounts' requests the API server writes down, for tests of what they ask. */
export const auditedNamespace = "deploy";

/** What they asked: an event as JSON in each line, without bodies. */
export const auditLog = join(paths.logs, "audit.log");

const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived", "ResponseStarted"],
  rules: [
    { level: "Metadata", userGroups: [`system:serviceaccounts:${auditedNamespace}`] },
    { level: "None" },
  ],
};

/** Starts etcd, the API server, the controllers and the scheduler, and waits until the API answers. */
export async function startControlPlane(plan: NetworkPlan, pki: Pki): Promise<void> {
  await startEtcd();
  writeFileSync(auditPolicyFile, JSON.stringify(auditPolicy));
  await startDaemon({
    name: "kube-apiserver",
    command: binary("kube-apiserver"),
    args: flags(apiServerFlags(plan, pki)),
    // A lab is judged by its memory, not by its throughput.
    env: { GOGC: "50", GOMEMLIMIT: "700MiB" },
  });
  const raw = (path: string) => async (): Promise<boolean> =>
    (await kubectl(["get", "--raw", path], { timeoutSeconds: 10 })).startsWith("ok");
  await waitReady("kube-apiserver", raw("/readyz"), 60);
  await Promise.all([
    startDaemon({
      name: "kube-controller-manager",
      command: binary("kube-controller-manager"),
      args: flags(controllerFlags(plan, pki)),
      env: { GOGC: "50", GOMEMLIMIT: "250MiB" },
    }),
    startDaemon({
      name: "kube-scheduler",
      command: binary("kube-scheduler"),
      args: flags({
        kubeconfig: pki.kubeconfigs.scheduler,
        "bind-address": plan.nodeIp,
        "cert-dir": join(paths.pki, "scheduler"),
        "leader-elect": "false",
        profiling: "false",
      }),
      env: { GOGC: "50", GOMEMLIMIT: "150MiB" },
    }),
  ]);
}

async function startEtcd(): Promise<void> {
  mkdirSync(etcdDir, { recursive: true, mode: 0o700 });
  // What is advertised must look like host:port; as a socket's name it is taken from the working directory.
  const peer = "unix://peer:2380";
  await startDaemon({
    name: "etcd",
    command: binary("etcd"),
    cwd: etcdDir,
    args: flags({
      name: "lab",
      "data-dir": join(etcdDir, "data"),
      "listen-client-urls": `unix://${etcdSocket}`,
      "advertise-client-urls": "unix://client:2379",
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": `lab=${peer}`,
      // Every start is a new cluster, so nothing has to survive a power cut.
      "unsafe-no-fsync": "true",
      "snapshot-count": "5000",
      "log-level": "warn",
    }),
    env: { GOGC: "50", GOMEMLIMIT: "200MiB" },
  });
  await waitReady("etcd", () => Promise.resolve(existsSync(etcdSocket)), 20);
}

const flags = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).map(([name, value]) => `--${name}=${value}`);

const apiServerFlags = (plan: NetworkPlan, pki: Pki): Record<string, string> => ({
  "bind-address": plan.nodeIp,
  "advertise-address": plan.nodeIp,
  "secure-port": String(apiPort),
  "etcd-servers": `unix://${etcdSocket}`,
  "service-cluster-ip-range": plan.serviceCidr,
  "service-node-port-range": "30000-32767",
  "client-ca-file": pki.ca,
  "tls-cert-file": pki.apiServer.cert,
  "tls-private-key-file": pki.apiServer.key,
  "kubelet-certificate-authority": pki.ca,
  "kubelet-client-certificate": pki.kubeletClient.cert,
  "kubelet-client-key": pki.kubeletClient.key,
  // The node's name resolves nowhere; logs and exec go to its address.
  "kubelet-preferred-address-types": "InternalIP",
  "requestheader-client-ca-file": pki.frontProxyCa,
  "requestheader-allowed-names": "front-proxy-client",
  "requestheader-username-headers": "X-Remote-User",
  "requestheader-group-headers": "X-Remote-Group",
  "requestheader-extra-headers-prefix": "X-Remote-Extra-",
  "proxy-client-cert-file": pki.frontProxy.cert,
  "proxy-client-key-file": pki.frontProxy.key,
  "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
  "service-account-key-file": pki.serviceAccountPublic,
  "service-account-signing-key-file": pki.serviceAccountKey,
  "authorization-mode": "Node,RBAC",
  "enable-admission-plugins": "NodeRestriction",
  "audit-policy-file": auditPolicyFile,
  "audit-log-path": auditLog,
  "audit-log-maxsize": "100",
  "audit-log-maxbackup": "1",
  "anonymous-auth": "false",
  // Pod Security admission decides by namespace, as it does on other clusters.
  "allow-privileged": "true",
  "event-ttl": "1h",
  "max-requests-inflight": "200",
  "max-mutating-requests-inflight": "100",
  profiling: "false",
});

const controllerFlags = (plan: NetworkPlan, pki: Pki): Record<string, string> => ({
  kubeconfig: pki.kubeconfigs["controller-manager"],
  "bind-address": plan.nodeIp,
  "cert-dir": join(paths.pki, "controller-manager"),
  "cluster-cidr": plan.podCidr,
  "service-cluster-ip-range": plan.serviceCidr,
  "allocate-node-cidrs": "false",
  "service-account-private-key-file": pki.serviceAccountKey,
  "root-ca-file": pki.ca,
  "cluster-signing-cert-file": pki.ca,
  "cluster-signing-key-file": pki.ca.replace(/\.crt$/, ".key"),
  "use-service-account-credentials": "true",
  "leader-elect": "false",
  "concurrent-deployment-syncs": "5",
  // A test does not wait five minutes for an autoscaler to go back.
  "horizontal-pod-autoscaler-sync-period": "5s",
  "horizontal-pod-autoscaler-downscale-stabilization": "20s",
  "horizontal-pod-autoscaler-initial-readiness-delay": "5s",
  "horizontal-pod-autoscaler-cpu-initialization-period": "20s",
  profiling: "false",
});
