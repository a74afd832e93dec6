import type { V1Node, V1Service } from "@kubernetes/client-node";
import { asking, type Kube } from "@mcp-fleet/kube";

/** On a Service: the path the server behind it really serves. */
export const pathAnnotation = "mcp-fleet.dev/mcp-path";
const component = "app.kubernetes.io/component=mcp-server";

/** Where clients reach a server. */
export interface McpEndpoint {
  /** Within the cluster. */
  readonly inCluster: string;
  /** From outside, when the Service has a node port or a load balancer with an address. */
  readonly outside?: string;
}

/** An MCP server's Service. */
export interface FoundServer extends McpEndpoint {
  readonly name: string;
  readonly namespace: string;
}

/**
 * The MCP servers of a namespace by their Services, sorted by name. A Service without the path's annotation was not
 * made by this program; its path is taken to be /mcp.
 *
 * @throws {UserError} when the cluster does not answer or does not allow it
 */
export async function findServers(kube: Kube, namespace: string): Promise<FoundServer[]> {
  const { items } = await asking(kube, `list Services of namespace ${namespace}`, () =>
    kube.core.listNamespacedService({ namespace, labelSelector: component }),
  );
  const exposed = items.some(({ spec }) => spec?.type === "NodePort");
  const nodes = exposed
    ? (await asking(kube, "list the nodes", () => kube.core.listNode())).items
    : [];
  return items
    .map((service) => endpointsOf(service, namespace, nodes))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function endpointsOf(service: V1Service, namespace: string, nodes: readonly V1Node[]): FoundServer {
  const { metadata, spec } = service;
  const name = metadata?.name ?? "";
  const path = metadata?.annotations?.[pathAnnotation] ?? "/mcp";
  const port = spec?.ports?.[0];
  const outside = outsideHost(service, nodes);
  return {
    ...{ name, namespace },
    inCluster: `http://${name}.${namespace}.svc.cluster.local:${port?.port}${path}`,
    ...(outside === undefined ? {} : { outside: `http://${outside}${path}` }),
  };
}

function outsideHost({ spec, status }: V1Service, nodes: readonly V1Node[]): string | undefined {
  const port = spec?.ports?.[0];
  if (spec?.type === "LoadBalancer") {
    const ingress = status?.loadBalancer?.ingress?.[0];
    const host = ingress?.hostname ?? ingress?.ip;
    return host === undefined ? undefined : `${host}:${port?.port}`;
  }
  if (spec?.type !== "NodePort" || port?.nodePort === undefined) return undefined;
  const addresses = nodes.flatMap((node) => node.status?.addresses ?? []);
  const address =
    addresses.find(({ type }) => type === "ExternalIP") ??
    addresses.find(({ type }) => type === "InternalIP");
  return address === undefined ? undefined : `${address.address}:${port.nodePort}`;
}
