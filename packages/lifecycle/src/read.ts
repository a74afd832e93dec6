import {
  allTroubles,
  carrierOf,
  endpointsOf,
  eventsFor,
  ifAllowed,
  isCarrier,
  type Kube,
  lastWords,
  pendingReason,
  podsIn,
  podsOf,
  readServerOf,
  readServers,
  type Server,
  troublesOf,
  urlInCluster,
  wantedReplicas,
} from "@mcp-fleet/kube";

import { readServer } from "./find";
import { type ProbeOptions, probeServer } from "./probe";
import { details, servingImages } from "./state";
import type { McpServerStatus, McpServerSummary } from "./types";

/** How a list is made. */
export interface ListOptions {
  /** @default the cluster's namespace */
  readonly namespace?: string;
  /** Asks every server with ready pods whether it answers MCP. @default no */
  readonly probe?: ProbeOptions;
  /** Hears what the account may not list, so that less is known. */
  readonly onUnseen?: (problem: string) => void;
}

/**
 * The MCP servers of a namespace by name: Deployments and StatefulSets labelled `app.kubernetes.io/component=mcp-server`, with
 * the endpoints of the Services that select their pods. The pods are read too where a server is not as it is wanted.
 * @throws {ApiError} {UnreachableError}
 */
export async function listMcpServers(
  kube: Kube,
  options: ListOptions = {},
): Promise<McpServerSummary[]> {
  const namespace = options.namespace ?? kube.namespace;
  const { servers, unseen } = await readServers(kube, namespace);
  for (const problem of unseen) options.onUnseen?.(problem);
  const unfinished = servers.map(({ workload }) => workload).filter(isUnfinished);
  const [pods, events] = await Promise.all([
    unfinished.length > 0 ? ifAllowed(podsIn(kube, namespace)) : [],
    eventsFor(kube, namespace, unfinished),
  ]);
  return Promise.all(
    servers.map(async (server): Promise<McpServerSummary> => {
      const { workload } = server;
      const known = details(workload, troublesOf(workload, pods, events));
      const { kind, status, reason, replicas, readyReplicas } = known;
      const summary = {
        ...{ name: server.name, namespace, kind, workload: known.workload, ...places(server) },
        ...{ status, ...(reason === undefined ? {} : { reason }), replicas, readyReplicas },
      };
      return { ...summary, ...(await probed(kube, summary, server, options.probe)) };
    }),
  );
}

/**
 * One server in detail.
 * @param name any of its names: see {@link readServer}
 * @throws {InvalidError} {NotFoundError} {ApiError} {UnreachableError}
 */
export async function getMcpStatus(
  kube: Kube,
  name: string,
  options: ListOptions = {},
): Promise<McpServerStatus> {
  const namespace = options.namespace ?? kube.namespace;
  const workload = await readServer(kube, namespace, name);
  const [server, pods, events] = await Promise.all([
    readServerOf(kube, namespace, workload),
    wantedReplicas(workload) === 0 ? [] : podsOf(kube, workload),
    eventsFor(kube, namespace, [workload]),
  ]);
  const troubles = troublesOf(workload, pods, events);
  const status = {
    ...{ ...details(workload, troubles), name: server.name, ...places(server) },
    serving: servingImages(pods),
    troubles: allTroubles(troubles),
    lastLines: isUnfinished(workload) ? await lastWords(kube, pods) : [],
  };
  return { ...status, ...(await probed(kube, status, server, options.probe)) };
}

function places(
  server: Server,
): Pick<McpServerSummary, "services" | "endpoints" | "url" | "obstacles"> {
  const carrier = carrierOf(server);
  const endpoints = server.services
    .filter(isCarrier)
    .flatMap(({ service, mcp }) => endpointsOf(service, mcp));
  return {
    services: server.services.map(({ service }) => service.metadata?.name ?? ""),
    endpoints: [...new Set(endpoints)],
    ...(carrier === undefined
      ? {}
      : { url: urlInCluster(carrier.service, carrier.mcp, carrier.path) }),
    obstacles: server.obstacles,
  };
}

function isUnfinished(workload: Server["workload"]): boolean {
  return wantedReplicas(workload) > 0 && pendingReason(workload) !== undefined;
}

async function probed(
  kube: Kube,
  { status, readyReplicas }: Pick<McpServerSummary, "status" | "readyReplicas">,
  server: Server,
  options: ProbeOptions | undefined,
): Promise<Partial<Pick<McpServerSummary, "probe" | "status" | "reason">>> {
  if (options === undefined || readyReplicas === 0 || status === "stopped") return {};
  const probe = await probeServer(kube, server, options);
  // A rollout that failed stays the first thing to know: pods of before are asked here.
  if (probe.ok || status === "failed") return { probe };
  return { probe, status: "degraded", reason: probe.message };
}
