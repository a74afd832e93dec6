import type { V1Deployment, V1Pod } from "@kubernetes/client-node";
import { troublesOf } from "@mcp-fleet/kube";

/** On the application's pods: the cutover generation they were started for. */
const generationLabel = "mcp-fleet.dev/generation";
const nameLabel = "app.kubernetes.io/name";

/** How one server's pods are. */
export interface ServerPods {
  readonly server: string;
  readonly wanted: number;
  readonly ready: number;
  /** Whether its newest rollout cannot end as things are. */
  readonly failed: boolean;
  /** Restarts of the containers of each pod. */
  readonly restarts: Readonly<Record<string, number>>;
}

/** The servers of a fleet, out of the namespace's Deployments and pods. A Deployment that is gone has no pods. */
export function serverPods(
  servers: Readonly<Record<string, string>>,
  deployments: readonly V1Deployment[],
  pods: readonly V1Pod[],
): ServerPods[] {
  return Object.entries(servers).map(([server, name]) => {
    const deployment = deployments.find((one) => one.metadata?.name === name);
    const own = pods.filter((pod) => pod.metadata?.labels?.[nameLabel] === name);
    return {
      server,
      wanted: deployment?.spec?.replicas ?? 1,
      ready: deployment?.status?.readyReplicas ?? 0,
      failed: deployment !== undefined && troublesOf(deployment, pods).failures.length > 0,
      restarts: Object.fromEntries(own.map((pod) => [pod.metadata?.name ?? "", restartsOf(pod)])),
    };
  });
}

function restartsOf(pod: V1Pod): number {
  const containers = pod.status?.containerStatuses ?? [];
  return containers.reduce((sum, one) => sum + one.restartCount, 0);
}

/** The lowest generation of a pod that has not ended; undefined without one. A probe's pod has no such label. */
export function lowestGeneration(pods: readonly V1Pod[]): number | undefined {
  const generations = pods
    .filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed")
    .flatMap((pod) => pod.metadata?.labels?.[generationLabel] ?? [])
    .map(Number)
    .filter(Number.isInteger);
  return generations.length === 0 ? undefined : Math.min(...generations);
}
