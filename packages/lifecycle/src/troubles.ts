import type * as k8s from "@kubernetes/client-node";
import {
  asking,
  isPodOf,
  type Kube,
  selectorText,
  type Troubles,
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

/** Everything that keeps a server's pods, what is worst first. */
export function allTroubles({ failures, delays }: Troubles): string[] {
  return [...failures, ...delays];
}
