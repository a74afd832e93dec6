import { join } from "node:path";

import { paths } from "../paths";
import { binary } from "./binaries";
import { kubectl } from "./kubectl";
import type { NetworkPlan } from "./network";
import type { Pki } from "./pki";
import { startDaemon, waitReady } from "./processes";

const name = "metrics-server";
const namespace = "kube-system";
/** On the node's address. */
const port = 4443;
const api = { group: "metrics.k8s.io", version: "v1beta1" };

/** Starts the metrics server beside the control plane, and makes its API part of the API server's. */
export async function startMetrics(plan: NetworkPlan, pki: Pki): Promise<void> {
  const { admin } = pki.kubeconfigs;
  await startDaemon({
    name,
    command: binary(name),
    args: [
      `--kubeconfig=${admin}`,
      `--authentication-kubeconfig=${admin}`,
      `--authorization-kubeconfig=${admin}`,
      `--bind-address=${plan.nodeIp}`,
      `--secure-port=${port}`,
      `--cert-dir=${join(paths.pki, name)}`,
      `--kubelet-certificate-authority=${pki.ca}`,
      "--kubelet-preferred-address-types=InternalIP",
      // The shortest that it takes, and longer than one request.
      "--metric-resolution=10s",
      "--kubelet-request-timeout=5s",
    ],
    env: { GOGC: "50", GOMEMLIMIT: "100MiB" },
  });
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects(plan) });
  await kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], { input: list });
  // An API that is announced and does not answer holds up whoever asks for all of them.
  const path = `/apis/${api.group}/${api.version}`;
  const answers = async (): Promise<boolean> =>
    (await kubectl(["get", "--raw", path], { timeoutSeconds: 10 })).includes("PodMetrics");
  await waitReady(name, answers, 30);
}

function objects(plan: NetworkPlan): unknown[] {
  const metadata = { name, namespace };
  return [
    {
      ...{ apiVersion: "v1", kind: "Service", metadata },
      spec: { ports: [{ name: "https", port: 443, targetPort: port }] },
    },
    {
      ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" },
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "https", port, protocol: "TCP" }],
      endpoints: [{ addresses: [plan.nodeIp], conditions: { ready: true } }],
    },
    {
      ...{ apiVersion: "apiregistration.k8s.io/v1", kind: "APIService" },
      metadata: { name: `${api.version}.${api.group}` },
      spec: {
        ...api,
        service: { name, namespace },
        groupPriorityMinimum: 100,
        versionPriority: 100,
        // Its certificate is one that it made itself, as in its own manifests.
        insecureSkipTLSVerify: true,
      },
    },
  ];
}
