import type * as k8s from "@pulumi/kubernetes";

import {
  addressEgress,
  type ClusterNetwork,
  controlPlaneEgress,
  dnsEgress,
  internetEgress,
  podEgress,
  selectorLabels,
} from "../core";
import type { McpServerArgs } from "./args";

type PolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;
type IngressRule = k8s.types.input.networking.v1.NetworkPolicyIngressRule;
type EgressRule = k8s.types.input.networking.v1.NetworkPolicyEgressRule;

/** Who may call the server (its consumers and the addresses it is exposed to, on its port), and where it may connect to. */
export function serverPolicy(
  args: McpServerArgs,
  labels: Parameters<typeof selectorLabels>[0],
): PolicySpec {
  const database = args.egressToDatabase;
  return {
    podSelector: { matchLabels: selectorLabels(labels) },
    policyTypes: ["Ingress", "Egress"],
    ingress: ingressRules(args),
    egress: [
      ...profileRules(args),
      ...(args.egressTo ?? []).map(addressEgress),
      ...(args.egressToPods ?? []).map(podEgress),
      ...(database === undefined
        ? []
        : ["cidr" in database ? addressEgress(database) : podEgress(database)]),
      ...controlPlaneEgress(args.serviceMesh),
    ],
  };
}

function ingressRules(args: McpServerArgs): IngressRule[] {
  const ports = [{ protocol: "TCP", port: args.port }];
  const pods = args.consumers.map((consumer) => ({
    podSelector: { matchLabels: { ...consumer.labels } },
  }));
  const outside = (args.exposure?.sourceRanges ?? []).map((cidr) => ({ ipBlock: { cidr } }));
  return [pods, outside].filter((from) => from.length > 0).map((from) => ({ from, ports }));
}

function profileRules({ egress = "dns", egressToPods = [], ...args }: McpServerArgs): EgressRule[] {
  const { dns, ranges } = args.clusterNetwork ?? {};
  switch (egress) {
    case "none":
      return [];
    case "dns":
      return dnsEgress(dns);
    case "cluster":
      return [...dnsEgress(dns), ...(egressToPods.length === 0 ? [podEgress({})] : [])];
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
