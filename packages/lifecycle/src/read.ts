import type * as k8s from "@kubernetes/client-node";
import { asking, getJson, type Kube, statusOf } from "@mcp-fleet/kube";

import { endpointsOfAll, servicesByDeployment } from "./endpoints";
import { NotFoundError } from "./errors";
import { type ProbeOptions, probeServer } from "./probe";
import { details, isServer, serverSelector } from "./state";
import { creationTroubles, podsOf, podTroubles } from "./troubles";
import type { McpServerStatus, McpServerSummary } from "./types";
import { checkName } from "./validate";

/** Objects of one page of a list. kubectl asks for as many. */
const pageSize = 500;

/** How a list is made. */
export interface ListOptions {
  /** @default the cluster's namespace */
  readonly namespace?: string;
  /** Asks every server with ready pods whether it answers MCP. @default no */
  readonly probe?: ProbeOptions;
}

/**
 * The MCP servers of a namespace by name: Deployments labelled `app.kubernetes.io/component=mcp-server`, with the
 * endpoints of the Services that select their pods. One list in pages for each of the two kinds, at the same time.
 * @throws {ApiError} {UnreachableError}
 */
export async function listMcpServers(
  kube: Kube,
  options: ListOptions = {},
): Promise<McpServerSummary[]> {
  const namespace = options.namespace ?? kube.namespace;
  const [deployments, services] = await Promise.all([
    paged<k8s.V1Deployment>(kube, `/apis/apps/v1/namespaces/${namespace}/deployments`, {
      what: `Deployments in ${namespace}`,
      labelSelector: serverSelector,
    }),
    servicesOf(kube, namespace),
  ]);
  const byDeployment = servicesByDeployment(deployments, services);
  const servers = deployments.map(async (deployment): Promise<McpServerSummary> => {
    const { name, status, replicas, readyReplicas } = details(deployment);
    const own = byDeployment.get(name) ?? [];
    const endpoints = endpointsOfAll(own);
    const summary = { name, namespace, status, replicas, readyReplicas, endpoints };
    return { ...summary, ...(await probed(kube, summary, own, options.probe)) };
  });
  return Promise.all(servers);
}

/**
 * One server in detail.
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
    servicesOf(kube, namespace),
  ]);
  const own = servicesByDeployment([deployment], services).get(name) ?? [];
  const shown = details(deployment);
  const complete = shown.status === "running" || shown.status === "stopped";
  const pods = complete ? [] : await podsOf(kube, deployment);
  const status = {
    ...shown,
    endpoints: endpointsOfAll(own),
    troubles: [...creationTroubles(deployment), ...podTroubles(pods)],
  };
  return { ...status, ...(await probed(kube, status, own, options.probe)) };
}

/**
 * The Deployment of a server.
 * @throws {InvalidError} for an impossible name; {NotFoundError} when there is none, or none with the label
 */
export async function readServer(
  kube: Kube,
  namespace: string,
  name: string,
): Promise<k8s.V1Deployment> {
  checkName(name);
  const see = `See them with: mcp-fleet list -n ${namespace}`;
  const deployment = await asking(kube, `read Deployment ${namespace}/${name}`, async () => {
    try {
      return await kube.apps.readNamespacedDeployment({ namespace, name });
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  });
  if (deployment === undefined) {
    throw new NotFoundError(
      `There is no server ${JSON.stringify(name)} in namespace ${namespace}.`,
      see,
    );
  }
  if (!isServer(deployment)) {
    throw new NotFoundError(
      `Deployment ${namespace}/${name} is no MCP server: it lacks the label ${serverSelector}.`,
      `${see}; or add the label if it is one.`,
    );
  }
  return deployment;
}

function servicesOf(kube: Kube, namespace: string): Promise<k8s.V1Service[]> {
  return paged(kube, `/api/v1/namespaces/${namespace}/services`, {
    what: `Services in ${namespace}`,
  });
}

/** All objects of a list, page by page. Their times are text, as the API writes them. */
async function paged<T>(
  kube: Kube,
  path: string,
  { what, labelSelector }: { readonly what: string; readonly labelSelector?: string },
): Promise<T[]> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const query = { limit: pageSize, labelSelector, continue: next };
    const list = await asking(kube, `list ${what}`, () =>
      getJson<{ items: T[]; metadata?: { continue?: string } }>(kube, path, query),
    );
    items.push(...list.items);
    next = list.metadata?.continue;
  } while (next !== undefined && next !== "");
  return items;
}

async function probed(
  kube: Kube,
  server: Pick<McpServerSummary, "name" | "namespace" | "status" | "readyReplicas">,
  services: readonly k8s.V1Service[],
  options: ProbeOptions | undefined,
): Promise<Partial<Pick<McpServerSummary, "probe" | "status">>> {
  if (options === undefined || server.readyReplicas === 0 || server.status === "stopped") return {};
  const probe = await probeServer(kube, server, services, options);
  return probe.ok ? { probe } : { probe, status: "degraded" };
}
