import type * as k8s from "@kubernetes/client-node";

/** The object that keeps a server's pods. One of a list has its kind set too, which the API leaves out there. */
export type Workload = k8s.V1Deployment | k8s.V1StatefulSet;

export type WorkloadKind = "Deployment" | "StatefulSet";

export function isStatefulSet(workload: Workload): workload is k8s.V1StatefulSet {
  return workload.kind === "StatefulSet";
}

export function kindOf(workload: Workload): WorkloadKind {
  return isStatefulSet(workload) ? "StatefulSet" : "Deployment";
}

/** As messages name it: `Deployment mcp/weather`. */
export function workloadText(workload: Workload): string {
  return `${kindOf(workload)} ${workload.metadata?.namespace}/${workload.metadata?.name}`;
}

/** As kubectl takes it, and every verb here: `deployment/weather`. */
export function referenceOf(workload: Workload): string {
  return `${kindOf(workload).toLowerCase()}/${workload.metadata?.name ?? ""}`;
}

export function templateOf({ spec }: Workload): k8s.V1PodTemplateSpec | undefined {
  return spec?.template;
}

export function isPaused(workload: Workload): boolean {
  return !isStatefulSet(workload) && workload.spec?.paused === true;
}

/** Whether its controller leaves pods as they are after a change of the template, until somebody deletes them. */
export function isOnDelete(workload: Workload): boolean {
  return isStatefulSet(workload) && workload.spec?.updateStrategy?.type === "OnDelete";
}

/** How many of its first pods a StatefulSet keeps on the template of before; 0 for a Deployment. */
export function heldBack(workload: Workload): number {
  if (!isStatefulSet(workload) || isOnDelete(workload)) return 0;
  return workload.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
}

/** How long the server has to start, in seconds: 0 where its pod sets no limit. Defaults as Kubernetes has them. */
export function startSeconds(workload: Workload): number {
  const probe = mainContainer(templateOf(workload))?.startupProbe;
  if (probe === undefined) return 0;
  const { failureThreshold = 3, periodSeconds = 10, initialDelaySeconds = 0 } = probe;
  return initialDelaySeconds + failureThreshold * periodSeconds;
}

/** The container whose image and log are the server's: the one that kubectl takes too, else the first. */
export function mainContainer(
  pod: Pick<k8s.V1Pod, "metadata" | "spec"> | k8s.V1PodTemplateSpec | undefined,
): k8s.V1Container | undefined {
  const wanted = pod?.metadata?.annotations?.["kubectl.kubernetes.io/default-container"];
  const containers = pod?.spec?.containers ?? [];
  return containers.find(({ name }) => name === wanted) ?? containers[0];
}
