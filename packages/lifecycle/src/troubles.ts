import type * as k8s from "@kubernetes/client-node";
import { asking, type Kube, oneLine } from "@mcp-fleet/kube";

/** The Deployment's pods: those its ReplicaSets own, ending ones too. */
export async function podsOf(kube: Kube, deployment: k8s.V1Deployment): Promise<k8s.V1Pod[]> {
  const namespace = deployment.metadata?.namespace ?? kube.namespace;
  const list = await asking(kube, `list pods in ${namespace}`, () =>
    kube.core.listNamespacedPod({ namespace, labelSelector: selectorText(deployment) }),
  );
  return list.items.filter((pod) => isOf(deployment, pod));
}

/** The Deployment's selector as the API takes it in a query. */
export function selectorText({ spec }: k8s.V1Deployment): string {
  const equal = Object.entries(spec?.selector.matchLabels ?? {}).map((pair) => pair.join("="));
  const expressions = (spec?.selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) => {
      if (operator === "Exists") return key;
      if (operator === "DoesNotExist") return `!${key}`;
      return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
    },
  );
  return [...equal, ...expressions].join(",");
}

/** Owned by one of the Deployment's ReplicaSets, also by one that is already deleted. */
export function isOf({ metadata: owner }: k8s.V1Deployment, { metadata }: k8s.V1Pod): boolean {
  const set = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  const hash = metadata?.labels?.["pod-template-hash"];
  return set?.kind === "ReplicaSet" && hash !== undefined && set.name === `${owner?.name}-${hash}`;
}

/** What keeps pods from being ready, as far as their status tells: one sentence part for each. */
export function podTroubles(pods: readonly k8s.V1Pod[]): string[] {
  return pods.flatMap((pod) => {
    const said = podTrouble(pod);
    return said === undefined ? [] : [`pod ${pod.metadata?.name} ${said}`];
  });
}

function podTrouble({ metadata, spec, status }: k8s.V1Pod): string | undefined {
  if (metadata?.deletionTimestamp !== undefined) return undefined;
  const containers = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ];
  for (const { name, image, state, lastState } of containers) {
    const waiting = state?.waiting;
    if (waiting?.reason === "CrashLoopBackOff") {
      const ended = lastState?.terminated;
      return `restarts again and again: container ${name} ended with exit code ${ended?.exitCode ?? "unknown"} (${ended?.reason ?? "no reason given"})`;
    }
    if (
      /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull)$/.test(
        waiting?.reason ?? "",
      )
    ) {
      const wanted = spec?.containers.find((container) => container.name === name)?.image ?? image;
      return `cannot have its image ${wanted} (${waiting?.reason})`;
    }
    if (/Error$/.test(waiting?.reason ?? "")) {
      return `cannot start container ${name} (${waiting?.reason}: ${oneLine(waiting?.message ?? "no reason given")})`;
    }
  }
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") {
    return `is taken by no node: ${oneLine(scheduled.message ?? scheduled.reason ?? "no reason given")}`;
  }
  const running = containers.find(({ state, ready }) => state?.running !== undefined && !ready);
  return running === undefined ? undefined : `runs, but its readiness check fails`;
}

/** A Deployment whose ReplicaSet may not make pods says so itself: quota, policy, service account. */
export function creationTroubles({ status }: k8s.V1Deployment): string[] {
  return (status?.conditions ?? [])
    .filter(({ type, status: held }) => type === "ReplicaFailure" && held === "True")
    .map(({ message }) => `no pod can be made: ${oneLine(message ?? "no reason given")}`);
}
