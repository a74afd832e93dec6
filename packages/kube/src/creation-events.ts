import type * as k8s from "@kubernetes/client-node";

import type { Kube } from "./connect";
import { wantedReplicas } from "./rollout";
import { creationEvents, ifAllowed } from "./servers/lists";
import { isStatefulSet, type Workload } from "./servers/workload";

/** Whether it is a StatefulSet that has fewer pods than it wants: only events say why. */
export function lacksPods(workload: Workload): boolean {
  return isStatefulSet(workload) && (workload.status?.replicas ?? 0) < wantedReplicas(workload);
}

/** The events about StatefulSets that lack pods. Nothing is asked when none does. */
export async function eventsFor(
  kube: Kube,
  namespace: string,
  workloads: readonly Workload[],
): Promise<k8s.CoreV1Event[]> {
  return workloads.some(lacksPods) ? ifAllowed(creationEvents(kube, namespace)) : [];
}
