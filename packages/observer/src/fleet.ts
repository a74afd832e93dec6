import type { CoreV1Event, V1Pod } from "@kubernetes/client-node";
import {
  generationLabel,
  isStatefulSet,
  nameLabel,
  troublesOf,
  type Workload,
} from "@mcp-fleet/kube";

/** On the application's pods: the cutover generation they were started for. */

/** The state of one server's pods. */
export interface ServerPods {
  readonly server: string;
  readonly wanted: number;
  readonly ready: number;
  /** Whether its newest rollout cannot complete. */
  readonly failed: boolean;
  /** Restarts of the containers of each pod. */
  readonly restarts: Readonly<Record<string, number>>;
}

/** The servers of a fleet, from the namespace's workloads and pods. A workload that is gone has no pods. */
export function serverPods(
  servers: Readonly<Record<string, string>>,
  workloads: readonly Workload[],
  pods: readonly V1Pod[],
  events: readonly CoreV1Event[],
): ServerPods[] {
  return Object.entries(servers).map(([server, name]) => {
    // While a server becomes a StatefulSet, its Deployment still exists and will be removed.
    const named = workloads.filter((one) => one.metadata?.name === name);
    const workload = named.find(isStatefulSet) ?? named[0];
    const own = pods.filter((pod) => pod.metadata?.labels?.[nameLabel] === name);
    return {
      server,
      wanted: workload?.spec?.replicas ?? 1,
      ready: workload?.status?.readyReplicas ?? 0,
      failed: workload !== undefined && troublesOf(workload, pods, events).failures.length > 0,
      restarts: Object.fromEntries(own.map((pod) => [pod.metadata?.name ?? "", restartsOf(pod)])),
    };
  });
}

function restartsOf(pod: V1Pod): number {
  const containers = pod.status?.containerStatuses ?? [];
  return containers.reduce((sum, one) => sum + one.restartCount, 0);
}

/** The lowest generation of a running pod; undefined without one. A probe's pod has no such label. */
export function lowestGeneration(pods: readonly V1Pod[]): number | undefined {
  const generations = pods
    .filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed")
    .flatMap((pod) => pod.metadata?.labels?.[generationLabel] ?? [])
    .map(Number)
    .filter(Number.isInteger);
  return generations.length === 0 ? undefined : Math.min(...generations);
}
