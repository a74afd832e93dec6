import type * as k8s from "@kubernetes/client-node";
import {
  isObserved,
  isReady,
  kindOf,
  mainContainer,
  oldReplicas,
  pendingReason,
  serverName,
  type Troubles,
  troublesOf,
  wantedReplicas,
  type Workload,
} from "@mcp-fleet/kube";

import type { McpServerStatus, ServerCondition, ServerState } from "./types";

/** A state and why it is not a better one. */
export interface Judged {
  readonly status: Exclude<ServerState, "degraded">;
  readonly reason?: string;
}

/**
 * See {@link ServerState}.
 * @param troubles of its pods. @default what the workload's object alone tells
 */
export function judge(
  workload: Workload,
  { failures, delays }: Troubles = troublesOf(workload, []),
): Judged {
  const wanted = wantedReplicas(workload);
  if (wanted === 0) return { status: "stopped" };
  const pending = pendingReason(workload);
  if (pending === undefined) return { status: "running" };
  const reason = [...failures, pending, ...delays].join("; ");
  if (failures.length > 0) return { status: "failed", reason };
  const ready = workload.status?.readyReplicas ?? 0;
  if (ready === 0) return { status: "pending", reason };
  // If the replicas are as wanted, the spec that the controller has not observed is a new template.
  const unseen = !isObserved(workload) && ready === wanted;
  return { status: oldReplicas(workload) > 0 || unseen ? "updating" : "scaling", reason };
}

/** What the workload's object alone says. */
export type Details = Omit<
  McpServerStatus,
  "services" | "endpoints" | "url" | "obstacles" | "troubles" | "lastLines" | "probe" | "serving"
>;

/** @param troubles see {@link judge} */
export function details(workload: Workload, troubles?: Troubles): Details {
  const { metadata, spec, status } = workload;
  const conditions = (status?.conditions ?? []).map(condition);
  return {
    name: serverName(workload),
    namespace: metadata?.namespace ?? "",
    kind: kindOf(workload),
    workload: metadata?.name ?? "",
    ...judge(workload, troubles),
    replicas: wantedReplicas(workload),
    readyReplicas: status?.readyReplicas ?? 0,
    availableReplicas: status?.availableReplicas ?? 0,
    updatedReplicas: status?.updatedReplicas ?? 0,
    image: mainContainer(spec?.template)?.image ?? "",
    conditions,
    ...lastActivity(conditions, metadata),
  };
}

function lastActivity(
  conditions: readonly ServerCondition[],
  metadata: k8s.V1ObjectMeta | undefined,
): Pick<McpServerStatus, "lastActivity" | "lastActivityFrom"> {
  const latest = conditions
    .filter(({ lastUpdate }) => lastUpdate !== undefined)
    .sort((a, b) => ((a.lastUpdate ?? "") < (b.lastUpdate ?? "") ? 1 : -1))[0];
  if (latest?.lastUpdate !== undefined) {
    return { lastActivity: latest.lastUpdate, lastActivityFrom: `condition ${latest.type}` };
  }
  const created = time(metadata?.creationTimestamp);
  return created === undefined ? {} : { lastActivity: created, lastActivityFrom: "creation" };
}

function condition(one: k8s.V1DeploymentCondition): ServerCondition {
  const lastUpdate = time(one.lastUpdateTime) ?? time(one.lastTransitionTime);
  return {
    type: one.type,
    status: one.status,
    ...(one.reason === undefined ? {} : { reason: one.reason }),
    ...(one.message === undefined ? {} : { message: one.message }),
    ...(lastUpdate === undefined ? {} : { lastUpdate }),
  };
}

/** A watch delivers times as text, every other request as `Date`. */
function time(value: Date | string | undefined): string | undefined {
  return value === undefined ? undefined : new Date(value).toISOString();
}

/** Images of the pods that are ready, with how many run each; the image of a pod is that of {@link mainContainer}. */
export function servingImages(pods: readonly k8s.V1Pod[]): McpServerStatus["serving"] {
  const counts = new Map<string, number>();
  for (const pod of pods) {
    const image = mainContainer(pod)?.image;
    if (image === undefined || !isReady(pod)) continue;
    counts.set(image, (counts.get(image) ?? 0) + 1);
  }
  return [...counts].map(([image, count]) => ({ image, pods: count }));
}
