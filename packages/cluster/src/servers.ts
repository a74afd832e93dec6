import type { V1Node } from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";
import {
  asking,
  carrierOf,
  isCarrier,
  type Kube,
  pathAnnotation,
  readServers,
  type Server,
  urlInCluster,
  urlOutside,
} from "@mcp-fleet/kube";

/** Where clients reach a server. */
export interface McpEndpoint {
  /** Within the cluster. */
  readonly inCluster: string;
  /** From outside, when a Service of it has a node port or a load balancer with an address. */
  readonly outside?: string;
}

/** An MCP server that clients can call. */
export interface FoundServer extends McpEndpoint {
  /** As every verb names it; the Service's name where that leads to several servers. */
  readonly name: string;
  readonly service: string;
  readonly namespace: string;
}

/** What {@link findServers} found. */
export interface FoundServers {
  /** By name. */
  readonly servers: readonly FoundServer[];
  /** Those that no client can call, and why: a sentence part each. */
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
}

/**
 * The MCP servers of a namespace with their addresses. A Service without the path's annotation was not made by this program;
 * its path is taken to be /mcp.
 *
 * @throws {UserError} when the cluster does not answer or does not allow it, and for an annotation that is no path
 */
export async function findServers(kube: Kube, namespace: string): Promise<FoundServers> {
  const { servers } = await readServers(kube, namespace);
  const exposed = servers.some(({ services }) =>
    services.some(({ service }) => service.spec?.type === "NodePort"),
  );
  const nodes = exposed
    ? (await asking(kube, "list the nodes", () => kube.core.listNode())).items
    : [];
  return addressesOf(servers, nodes);
}

/**
 * The addresses of servers.
 * @param nodes for node ports
 * @throws {UserError} for an annotation that is no path
 */
export function addressesOf(servers: readonly Server[], nodes: readonly V1Node[]): FoundServers {
  const found = new Map<string, FoundServer>();
  const leftOut: { name: string; why: string }[] = [];
  for (const server of servers) {
    const { name, unreachable: why } = server;
    const one = addressed(server, nodes);
    if (why !== undefined) leftOut.push({ name, why });
    if (one !== undefined) {
      // One Service in front of several servers is one address.
      const shared = found.get(one.service) !== undefined;
      found.set(one.service, shared ? { ...one, name: one.service } : one);
    }
  }
  const sorted = [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { servers: sorted, leftOut };
}

function addressed(server: Server, nodes: readonly V1Node[]): FoundServer | undefined {
  const { namespace, services } = server;
  const wrong = services.find(({ mcp, path }) => mcp !== undefined && path === undefined);
  const carrier = carrierOf(server);
  if (wrong !== undefined && carrier === undefined)
    throw noPath(namespace, wrong.service.metadata?.name ?? "", wrong.problem ?? "");
  if (carrier === undefined) return undefined;
  const outside = services
    .filter(isCarrier)
    .map(({ service, mcp, path }) => urlOutside(service, mcp, path, nodes))
    .find((url) => url !== undefined);
  return {
    // Clients take a name's letters, digits and hyphens.
    name: server.name.replace("/", "-"),
    service: carrier.service.metadata?.name ?? "",
    namespace,
    inCluster: urlInCluster(carrier.service, carrier.mcp, carrier.path),
    ...(outside === undefined ? {} : { outside }),
  };
}

function noPath(namespace: string, name: string, problem: string): UserError {
  return new UserError(
    `Service ${namespace}/${name} ${problem}.`,
    `Set it to a path such as /mcp: kubectl annotate --overwrite -n ${namespace} service ${name} ${pathAnnotation}=/mcp`,
  );
}
