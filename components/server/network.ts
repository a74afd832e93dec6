import type * as k8s from "@pulumi/kubernetes";

import {
  addressEgress,
  apiServerEgress,
  type ClusterNetwork,
  controlPlaneEgress,
  dnsEgress,
  internetEgress,
  podEgress,
  podPeer,
  selectorLabels,
} from "../core";
import type { Server } from "./args";
import { hasRights } from "./rights";

type PolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;
type IngressRule = k8s.types.input.networking.v1.NetworkPolicyIngressRule;
type EgressRule = k8s.types.input.networking.v1.NetworkPolicyEgressRule;

/** Who may call the server (its consumers and the addresses it is exposed to, on its port), and where it may connect to. */
export function serverPolicy(
  server: Server,
  labels: Parameters<typeof selectorLabels>[0],
): PolicySpec {
  const { egressToDatabase: database } = server;
  const { to = [], pods = [] } = egressOf(server);
  return {
    podSelector: { matchLabels: selectorLabels(labels) },
    policyTypes: ["Ingress", "Egress"],
    ingress: ingressRules(server),
    egress: [
      ...profileRules(server),
      ...to.map(addressEgress),
      ...[...pods, ...(server.egressToPods ?? [])].map(podEgress),
      ...(database === undefined
        ? []
        : ["cidr" in database ? addressEgress(database) : podEgress(database)]),
      ...(hasRights(server) ? apiServerEgress(server.clusterNetwork?.ranges) : []),
      ...controlPlaneEgress(server.serviceMesh),
    ],
  };
}

/** Where a server may connect to, its profile always named. */
export function egressOf({ egress }: Pick<Server, "egress">): Exclude<Server["egress"], string> {
  return typeof egress === "string" ? { profile: egress } : egress;
}

function ingressRules(server: Server): IngressRule[] {
  const ports = [{ protocol: "TCP", port: server.port }];
  const pods = server.consumers.map((consumer) => ({
    podSelector: { matchLabels: { ...consumer.labels } },
  }));
  const { service } = server;
  const ranges = service?.type === "ClusterIP" ? [] : (service?.sourceRanges ?? []);
  const outside = ranges.map((cidr) => ({ ipBlock: { cidr } }));
  const others = Object.values(server.ports).map(({ port, from }) => ({
    from: from.map(podPeer),
    ports: [{ protocol: "TCP", port }],
  }));
  return [{ from: pods, ports }, { from: outside, ports }, ...others].filter(
    ({ from }) => from.length > 0,
  );
}

function profileRules(server: Server): EgressRule[] {
  const { dns, ranges } = server.clusterNetwork ?? {};
  const { profile = "dns", pods = [] } = egressOf(server);
  const named = [...pods, ...(server.egressToPods ?? [])];
  switch (profile) {
    case "none":
      return [];
    case "dns":
      return dnsEgress(dns);
    case "cluster":
      return [...dnsEgress(dns), ...(named.length === 0 ? [podEgress({})] : [])];
    case "internet":
      return [...dnsEgress(dns), internetEgress(ranges)];
  }
}

/**
 * The spec of a CiliumNetworkPolicy that lets the server call these hosts on port 443. Cilium learns their addresses
 * from the answers of the cluster's name server, so the questions have to go through its proxy.
 */
export function fqdnPolicySpec(
  labels: Parameters<typeof selectorLabels>[0],
  fqdns: readonly string[],
  dns: ClusterNetwork["dns"] = {},
): Record<string, unknown> {
  const { namespace = "kube-system", port = 53, addresses = [] } = dns;
  const nameServer = {
    "k8s:io.kubernetes.pod.namespace": namespace,
    ...(dns.labels ?? { "k8s-app": "kube-dns" }),
  };
  const asked = (number: number): object[] => [
    {
      ports: [{ port: String(number), protocol: "ANY" }],
      rules: { dns: [{ matchPattern: "*" }] },
    },
  ];
  return {
    endpointSelector: { matchLabels: selectorLabels(labels) },
    egress: [
      { toEndpoints: [{ matchLabels: nameServer }], toPorts: asked(port) },
      ...(addresses.length === 0 ? [] : [{ toCIDR: [...addresses], toPorts: asked(53) }]),
      {
        toFQDNs: fqdns.map((name) =>
          name.includes("*") ? { matchPattern: name } : { matchName: name },
        ),
        toPorts: [{ ports: [{ port: "443", protocol: "TCP" }] }],
      },
    ],
  };
}
