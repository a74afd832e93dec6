import type { V1Pod } from "@kubernetes/client-node";
import { restrictedContainer, restrictedPod } from "@mcp-fleet/kube";

import type { Cluster } from "../../lab/cluster";
import { ensureBinaries } from "../../lab/cluster/binaries";
import { ensureImages } from "../../lab/images";
import type { Kube } from "../../lab/kube";
import { consoleLog } from "../../lab/log";
import { eventually } from "./eventually";

/** A pod that reports which addresses it can reach. */
export interface Caller {
  /** Whether `host:port` accepts a TCP connection from there, within three seconds. */
  opens(to: string): Promise<boolean>;
  /** Whether it can resolve a name. */
  resolves(name: string): Promise<boolean>;
  remove(): Promise<void>;
}

/** Nothing sets this condition, so no Service ever routes to the pod, whatever its labels are. */
const neverReady = "mcp-fleet.dev/never";

/**
 * Starts a pod with these labels; to NetworkPolicies it is one of the pods with them. It is asked from its node,
 * which no policy blocks.
 */
export async function callerPod(
  { cluster, kube }: { readonly cluster: Cluster; readonly kube: Kube },
  where: { readonly namespace: string; readonly name: string },
  labels: Readonly<Record<string, string>> = {},
): Promise<Caller> {
  await ensureBinaries(consoleLog());
  const { tryout } = await ensureImages(cluster, consoleLog(), ["tryout"]);
  await kube.apply([podOf(where, labels, tryout)]);
  let address = "";
  await eventually("the caller runs", async () => {
    const { status } = await kube.core.readNamespacedPod(where);
    address = status?.podIP ?? "";
    return status?.phase === "Running" && address !== "";
  });
  const ask = async (path: string): Promise<boolean> => {
    const response = await fetch(`http://${address}:8080${path}`, {
      signal: AbortSignal.timeout(20_000),
    });
    await response.text();
    // 502: it tried, and could not connect.
    if (![200, 502].includes(response.status))
      throw new Error(`the caller answered ${response.status}`);
    return response.status === 200;
  };
  return {
    opens: (to) => ask(`/connect?to=${encodeURIComponent(to)}`),
    resolves: (name) => ask(`/resolve?name=${encodeURIComponent(name)}`),
    async remove() {
      await kube.core.deleteNamespacedPod({ ...where, gracePeriodSeconds: 0 });
    },
  };
}

function podOf(
  metadata: { readonly namespace: string; readonly name: string },
  labels: Readonly<Record<string, string>>,
  image: string,
): V1Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, labels: { ...labels } },
    spec: {
      ...restrictedPod(),
      readinessGates: [{ conditionType: neverReady }],
      containers: [
        {
          name: "caller",
          image,
          imagePullPolicy: "IfNotPresent",
          resources: { limits: { memory: "64Mi" } },
          securityContext: restrictedContainer,
        },
      ],
    },
  };
}
