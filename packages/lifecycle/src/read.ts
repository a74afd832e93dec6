import type * as k8s from "@kubernetes/client-node";
import { type Kube, pendingReason, serverName, troublesOf, wantedReplicas } from "@mcp-fleet/kube";

import { endpointsOfAll, servicesByDeployment } from "./endpoints";
import { ifAllowed, readServer } from "./find";
import { podsIn, serversIn, servicesIn } from "./page";
import { type ProbeOptions, probeServer } from "./probe";
import { details, servingImages } from "./state";
import { allTroubles, podsOf } from "./troubles";
import type { McpServerStatus, McpServerSummary } from "./types";

/** How a list is made. */
export interface ListOptions {
  /** @default the cluster's namespace */
  readonly namespace?: string;
  /** Asks every server with ready pods whether it answers MCP. @default no */
  readonly probe?: ProbeOptions;
}

/**
 * The MCP servers of a namespace by name: Deployments labelled `app.kubernetes.io/component=mcp-server`, with the
 * endpoints of the Services that select their pods. One list in pages for each of the two kinds, at the same time; the
 * pods too where a server is not as it is wanted.
 * @throws {ApiError} {UnreachableError}
 */
export async function listMcpServers(
  kube: Kube,
  options: ListOptions = {},
): Promise<McpServerSummary[]> {
  const namespace = options.namespace ?? kube.namespace;
  const [deployments, services] = await Promise.all([
    serversIn(kube, namespace),
    servicesIn(kube, namespace),
  ]);
  const byDeployment = servicesByDeployment(deployments, services);
  const pods = deployments.some(isUnfinished) ? await ifAllowed(podsIn(kube, namespace)) : [];
  const keys = deployments.map(serverName);
  const shared = new Set(keys.filter((key, index) => keys.indexOf(key) !== index));
  const servers = deployments.map(async (deployment): Promise<McpServerSummary> => {
    const known = details(deployment, troublesOf(deployment, pods));
    const leading = byDeployment.get(known.deployment) ?? [];
    const { status, reason, replicas, readyReplicas } = known;
    const name = shared.has(known.name) ? known.deployment : known.name;
    const summary = {
      ...{ name, namespace, deployment: known.deployment, ...places(leading), status },
      ...(reason === undefined ? {} : { reason }),
      ...{ replicas, readyReplicas },
    };
    return { ...summary, ...(await probed(kube, summary, leading, options.probe)) };
  });
  return (await Promise.all(servers)).sort((a, b) => (a.name < b.name ? -1 : 1));
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
  const [deployment, services] = await Promise.all([
    readServer(kube, namespace, name),
    servicesIn(kube, namespace),
  ]);
  const leading =
    servicesByDeployment([deployment], services).get(deployment.metadata?.name ?? "") ?? [];
  const pods = wantedReplicas(deployment) === 0 ? [] : await podsOf(kube, deployment);
  const troubles = troublesOf(deployment, pods);
  const status = {
    ...details(deployment, troubles),
    ...places(leading),
    serving: servingImages(pods),
    troubles: allTroubles(troubles),
  };
  return { ...status, ...(await probed(kube, status, leading, options.probe)) };
}

function places(
  services: readonly k8s.V1Service[],
): Pick<McpServerSummary, "services" | "endpoints"> {
  return {
    services: services.map(({ metadata }) => metadata?.name ?? ""),
    endpoints: endpointsOfAll(services),
  };
}

function isUnfinished(deployment: k8s.V1Deployment): boolean {
  return wantedReplicas(deployment) > 0 && pendingReason(deployment) !== undefined;
}

async function probed(
  kube: Kube,
  server: Pick<McpServerSummary, "name" | "namespace" | "status" | "readyReplicas">,
  services: readonly k8s.V1Service[],
  options: ProbeOptions | undefined,
): Promise<Partial<Pick<McpServerSummary, "probe" | "status" | "reason">>> {
  if (options === undefined || server.readyReplicas === 0 || server.status === "stopped") return {};
  const probe = await probeServer(kube, server, services, options);
  // A rollout that failed stays the first thing to know: pods of before are asked here.
  if (probe.ok || server.status === "failed") return { probe };
  return { probe, status: "degraded", reason: probe.message };
}
