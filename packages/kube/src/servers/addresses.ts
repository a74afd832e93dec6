import { isIPv6 } from "node:net";

import type * as k8s from "@kubernetes/client-node";

import { pathAnnotation } from "../names";
import type { McpPort } from "./mcp-port";

/** The path that a Service's server serves; not there for an annotation that is no path. */
export function pathOf({ metadata }: k8s.V1Service): string | undefined {
  const path = metadata?.annotations?.[pathAnnotation] ?? "/mcp";
  // The characters of a URL's path and no others: whoever may annotate a Service may not choose another host by it.
  return path.length <= 1024 &&
    /^(?:\/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+$/.test(path)
    ? path
    : undefined;
}

/** Whether its name leads to the pods themselves, on their own ports. */
export function isHeadless({ spec }: k8s.V1Service): boolean {
  return spec?.clusterIP === "None";
}

/** Where clients in the cluster call a server. */
export function urlInCluster(service: k8s.V1Service, mcp: McpPort, path: string): string {
  const { name, namespace } = service.metadata ?? {};
  return `${mcp.scheme}://${name}.${namespace}.svc.cluster.local:${portFor(service, mcp)}${path}`;
}

/** Where clients outside of the cluster call it, when the Service has a node port or a load balancer with an address. */
export function urlOutside(
  { spec, status }: k8s.V1Service,
  { port, scheme }: McpPort,
  path: string,
  nodes: readonly k8s.V1Node[],
): string | undefined {
  if (spec?.type === "LoadBalancer") {
    const ingress = status?.loadBalancer?.ingress?.[0];
    return urlOf(scheme, ingress?.hostname ?? ingress?.ip, port.port, path);
  }
  if (spec?.type !== "NodePort") return undefined;
  const addresses = nodes.flatMap((node) => node.status?.addresses ?? []);
  const address =
    addresses.find(({ type }) => type === "ExternalIP") ??
    addresses.find(({ type }) => type === "InternalIP");
  return urlOf(scheme, address?.address, port.nodePort, path);
}

/**
 * Where the port of a Service that carries MCP can be called, in the forms of seed 004:
 *
 * - ClusterIP: `http://<cluster IP>:<port>`; a headless Service has its DNS name and the pods' port there
 * - NodePort: `nodePort://*:<node port>`
 * - LoadBalancer: `http://<IP or hostname>:<port>` for each ingress; nothing while there is none
 *
 * The path of an MCP endpoint is no part of it.
 */
export function endpointsOf(service: k8s.V1Service, mcp: McpPort): string[] {
  const { metadata, spec, status } = service;
  const { port, scheme } = mcp;
  switch (spec?.type ?? "ClusterIP") {
    case "ClusterIP": {
      const address = spec?.clusterIP ?? "";
      const named = address === "" || address === "None";
      const host = named ? `${metadata?.name}.${metadata?.namespace}.svc` : hostOf(address);
      return [`${scheme}://${host}:${portFor(service, mcp)}`];
    }
    case "NodePort":
      return port.nodePort === undefined ? [] : [`nodePort://*:${port.nodePort}`];
    case "LoadBalancer":
      return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => {
        const host = ip === undefined || ip === "" ? hostname : hostOf(ip);
        return host === undefined || host === "" ? [] : [`${scheme}://${host}:${port.port}`];
      });
    default:
      // ExternalName leads to no pod of ours.
      return [];
  }
}

function portFor(service: k8s.V1Service, { port, target }: McpPort): number {
  return isHeadless(service) ? (target ?? port.port) : port.port;
}

/** Nothing for a host that is no name and no address: another part of a URL in its place leads elsewhere. */
function urlOf(
  scheme: string,
  host: string | undefined,
  port: number | undefined,
  path: string,
): string | undefined {
  if (host === undefined || port === undefined) return undefined;
  if (isIPv6(host)) return `${scheme}://[${host}]:${port}${path}`;
  return /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})$/.test(host)
    ? `${scheme}://${host}:${port}${path}`
    : undefined;
}

/** An IPv6 address goes in brackets in a URL. */
function hostOf(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
