import type * as k8s from "@kubernetes/client-node";

import type { McpServerStatus, ServerCondition, ServerState } from "./types";

/** The label by which a Deployment is an MCP server. */
export const serverSelector = "app.kubernetes.io/component=mcp-server";

export function isServer({ metadata }: k8s.V1Deployment): boolean {
  return metadata?.labels?.["app.kubernetes.io/component"] === "mcp-server";
}

/** Wanted replicas; the API server's own default is 1. */
export function wantedReplicas({ spec }: k8s.V1Deployment): number {
  return spec?.replicas ?? 1;
}

/** See {@link ServerState}. */
export function stateOf(deployment: k8s.V1Deployment): Exclude<ServerState, "degraded"> {
  const wanted = wantedReplicas(deployment);
  const ready = deployment.status?.readyReplicas ?? 0;
  if (wanted === 0) return "stopped";
  if (ready === wanted) return "running";
  return ready === 0 ? "pending" : "scaling";
}

/** What the Deployment's object alone says. */
export function details(
  deployment: k8s.V1Deployment,
): Omit<McpServerStatus, "endpoints" | "troubles" | "probe"> {
  const { metadata, spec, status } = deployment;
  const conditions = (status?.conditions ?? []).map(condition);
  return {
    name: metadata?.name ?? "",
    namespace: metadata?.namespace ?? "",
    status: stateOf(deployment),
    replicas: wantedReplicas(deployment),
    readyReplicas: status?.readyReplicas ?? 0,
    availableReplicas: status?.availableReplicas ?? 0,
    updatedReplicas: status?.updatedReplicas ?? 0,
    image: spec?.template.spec?.containers[0]?.image ?? "",
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

/** What still keeps a Deployment from having all its replicas on its newest template; undefined when nothing does. */
export function pendingReason(deployment: k8s.V1Deployment): string | undefined {
  const { metadata, status } = deployment;
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) {
    return "its controller has not seen the change yet";
  }
  const wanted = wantedReplicas(deployment);
  const [ready, updated] = [status?.readyReplicas ?? 0, status?.updatedReplicas ?? 0];
  const [available, all] = [status?.availableReplicas ?? 0, status?.replicas ?? 0];
  if (updated < wanted) return `${updated} of ${count(wanted)} on the newest template`;
  if (ready < wanted || available < wanted) return `${ready} of ${count(wanted)} ready`;
  if (all > wanted) return `${count(all - wanted)} too many are still there`;
  return undefined;
}

function count(replicas: number): string {
  return replicas === 1 ? "1 replica" : `${replicas} replicas`;
}
