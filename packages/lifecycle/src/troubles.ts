import type * as k8s from "@kubernetes/client-node";
import { asking, isPodOf, type Kube, selectorText, type Troubles } from "@mcp-fleet/kube";

/** The Deployment's pods: those its ReplicaSets own, ending ones too. */
export async function podsOf(kube: Kube, deployment: k8s.V1Deployment): Promise<k8s.V1Pod[]> {
  const namespace = deployment.metadata?.namespace ?? kube.namespace;
  const labelSelector = selectorText(deployment.spec?.selector);
  const list = await asking(kube, `list pods in ${namespace}`, () =>
    kube.core.listNamespacedPod({ namespace, labelSelector }),
  );
  return list.items.filter((pod) => isPodOf(deployment.metadata?.name, pod));
}

/** Everything that keeps a server's pods, what is worst first. */
export function allTroubles({ failures, delays }: Troubles): string[] {
  return [...failures, ...delays];
}
