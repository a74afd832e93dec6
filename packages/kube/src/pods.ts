import type * as k8s from "@kubernetes/client-node";

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

/** Whether a pod is owned by one of the Deployment's ReplicaSets, also by one that is already deleted. */
export function isPodOf(deployment: string | undefined, { metadata }: k8s.V1Pod): boolean {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  const hash = metadata?.labels?.["pod-template-hash"];
  return (
    owner?.kind === "ReplicaSet" && hash !== undefined && owner.name === `${deployment}-${hash}`
  );
}

/** Ended pods stay listed for a while (evicted ones for long) and run nothing any more. */
export function mayRun({ status }: k8s.V1Pod): boolean {
  return status?.phase !== "Succeeded" && status?.phase !== "Failed";
}
