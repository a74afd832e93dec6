import type * as k8s from "@kubernetes/client-node";
import {
  asking,
  creationEvents,
  ifAllowed,
  isPodOf,
  isStatefulSet,
  type Kube,
  selectorText,
  type Troubles,
  wantedReplicas,
  type Workload,
} from "@mcp-fleet/kube";

/** The workload's own pods, ending ones too. */
export async function podsOf(kube: Kube, workload: Workload): Promise<k8s.V1Pod[]> {
  const namespace = workload.metadata?.namespace ?? kube.namespace;
  const labelSelector = selectorText(workload.spec?.selector);
  const list = await asking(kube, `list pods in ${namespace}`, () =>
    kube.core.listNamespacedPod({ namespace, labelSelector }),
  );
  return list.items.filter((pod) => isPodOf(workload, pod));
}

/** What is said about StatefulSets that lack pods; nothing is asked where none does. */
export async function eventsFor(
  kube: Kube,
  namespace: string,
  workloads: readonly Workload[],
): Promise<k8s.CoreV1Event[]> {
  const lacking = workloads.some(
    (one) => isStatefulSet(one) && (one.status?.replicas ?? 0) < wantedReplicas(one),
  );
  return lacking ? ifAllowed(creationEvents(kube, namespace)) : [];
}

/** Everything that keeps a server's pods, what is worst first. */
export function allTroubles({ failures, delays }: Troubles): string[] {
  return [...failures, ...delays];
}
