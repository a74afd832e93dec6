import { isIPv6 } from "node:net";

import type { V1Node, V1Service } from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";
import { asking, type Kube, serverName, serverSelector } from "@mcp-fleet/kube";

/** On a Service: the path the server behind it really serves. */
export const pathAnnotation = "mcp-fleet.dev/mcp-path";

/** Where clients reach a server. */
export interface McpEndpoint {
  /** Within the cluster. */
  readonly inCluster: string;
  /** From outside, when the Service has a node port or a load balancer with an address. */
  readonly outside?: string;
}

/** An MCP server's Service. */
export interface FoundServer extends McpEndpoint {
  /** The server's key in the stack, else the Service's name. */
  readonly name: string;
  readonly service: string;
  readonly namespace: string;
}

/**
 * The MCP servers of a namespace by their Services, sorted by name. A Service without the path's annotation was not
 * made by this program; its path is taken to be /mcp.
 *
 * @throws {UserError} when the cluster does not answer or does not allow it, and for an annotation that is no path
 */
export async function findServers(kube: Kube, namespace: string): Promise<FoundServer[]> {
  const { items } = await asking(kube, `list Services of namespace ${namespace}`, () =>
    kube.core.listNamespacedService({ namespace, labelSelector: serverSelector }),
  );
  const exposed = items.some(({ spec }) => spec?.type === "NodePort");
  const nodes = exposed
    ? (await asking(kube, "list the nodes", () => kube.core.listNode())).items
    : [];
  const names = namesOf(items);
  return items
    .map((service, index) => ({
      name: names[index] ?? "",
      ...endpointsOf(service, namespace, nodes),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Their keys; where two Services have the same one, each has its own name. */
function namesOf(services: readonly V1Service[]): string[] {
  const keys = services.map(serverName);
  return services.map(({ metadata }, index) => {
    const [key = "", own = ""] = [keys[index], metadata?.name];
    const shared = keys.filter((one) => one === key).length > 1;
    return shared || services.some((other) => other.metadata?.name === key && key !== own)
      ? own
      : key;
  });
}

function endpointsOf(
  service: V1Service,
  namespace: string,
  nodes: readonly V1Node[],
): Omit<FoundServer, "name"> {
  const { metadata, spec } = service;
  const name = metadata?.name ?? "";
  const path = metadata?.annotations?.[pathAnnotation] ?? "/mcp";
  if (!isPath(path)) throw noPath(namespace, name, path);
  const port = spec?.ports?.[0]?.port;
  const outside = outsideUrl(service, nodes, path);
  return {
    ...{ service: name, namespace },
    inCluster: `http://${name}.${namespace}.svc.cluster.local:${port}${path}`,
    ...(outside === undefined ? {} : { outside }),
  };
}

/** The characters of a URL's path and no others: whoever may annotate a Service may not choose another host by it. */
function isPath(path: string): boolean {
  return (
    path.length <= 1024 && /^(?:\/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+$/.test(path)
  );
}

function noPath(namespace: string, name: string, path: string): UserError {
  return new UserError(
    `The annotation ${pathAnnotation} of Service ${namespace}/${name} is no path: ${JSON.stringify(path.slice(0, 80))}.`,
    `Set it to a path such as /mcp: kubectl annotate --overwrite -n ${namespace} service ${name} ${pathAnnotation}=/mcp`,
  );
}

function outsideUrl(
  { spec, status }: V1Service,
  nodes: readonly V1Node[],
  path: string,
): string | undefined {
  const port = spec?.ports?.[0];
  if (spec?.type === "LoadBalancer") {
    const ingress = status?.loadBalancer?.ingress?.[0];
    return urlOf(ingress?.hostname ?? ingress?.ip, port?.port, path);
  }
  if (spec?.type !== "NodePort") return undefined;
  const addresses = nodes.flatMap((node) => node.status?.addresses ?? []);
  const address =
    addresses.find(({ type }) => type === "ExternalIP") ??
    addresses.find(({ type }) => type === "InternalIP");
  return urlOf(address?.address, port?.nodePort, path);
}

/** Nothing for a host that is no name and no address: another part of a URL in its place leads elsewhere. */
function urlOf(
  host: string | undefined,
  port: number | undefined,
  path: string,
): string | undefined {
  if (host === undefined || port === undefined) return undefined;
  if (isIPv6(host)) return `http://[${host}]:${port}${path}`;
  return /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})$/.test(host)
    ? `http://${host}:${port}${path}`
    : undefined;
}
