import type * as k8s from "@kubernetes/client-node";

import { isStatefulSet, type Workload } from "./servers/workload";

/** A label selector as the API takes it in a query. */
export function selectorText(selector: k8s.V1LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map((pair) => pair.join("="));
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === "Exists") return key;
    if (operator === "DoesNotExist") return `!${key}`;
    return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
  });
  return [...equal, ...expressions].join(",");
}

/** Whether a pod is its workload's own: of one of a Deployment's ReplicaSets, also a deleted one, or of the StatefulSet. */
export function isPodOf(workload: Workload, { metadata }: k8s.V1Pod): boolean {
  const name = workload.metadata?.name;
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (isStatefulSet(workload)) return owner?.kind === "StatefulSet" && owner.name === name;
  const hash = metadata?.labels?.["pod-template-hash"];
  return owner?.kind === "ReplicaSet" && hash !== undefined && owner.name === `${name}-${hash}`;
}

/** Ended pods stay listed for a while (evicted ones for long) and run nothing any more. */
export function mayRun({ status }: k8s.V1Pod): boolean {
  return status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

export function isReady({ metadata, status }: k8s.V1Pod): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
  return ready && metadata?.deletionTimestamp === undefined;
}
