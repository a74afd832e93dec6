import type * as k8s from "@pulumi/kubernetes";

import { controlPlaneEgress, selectorLabels } from "../core";
import type { Egress, EgressTarget, McpServerArgs } from "./args";

type PolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;
type IngressRule = k8s.types.input.networking.v1.NetworkPolicyIngressRule;
type EgressRule = k8s.types.input.networking.v1.NetworkPolicyEgressRule;

const dnsRule: EgressRule = {
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};

/** Who may call the server (its consumers and the addresses it is exposed to, on its port), and where it may connect to. */
export function serverPolicy(
  args: McpServerArgs,
  labels: Parameters<typeof selectorLabels>[0],
): PolicySpec {
  return {
    podSelector: { matchLabels: selectorLabels(labels) },
    policyTypes: ["Ingress", "Egress"],
    ingress: ingressRules(args),
    egress: [
      ...egressRules(args.egress ?? "dns"),
      ...(args.egressTo ?? []).map(targetRule),
      ...(args.egressToPods ?? []).map(({ labels: matchLabels, port }) => ({
        to: [{ podSelector: { matchLabels: { ...matchLabels } } }],
        ports: [{ protocol: "TCP", port }],
      })),
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

function targetRule(target: EgressTarget): EgressRule {
  const except = target.except === undefined ? {} : { except: [...target.except] };
  return {
    to: [{ ipBlock: { cidr: target.cidr, ...except } }],
    ...(target.ports === undefined
      ? {}
      : { ports: target.ports.map((port) => ({ protocol: "TCP", port })) }),
  };
}

function egressRules(profile: Egress): EgressRule[] {
  switch (profile) {
    case "none":
      return [];
    case "dns":
      return [dnsRule];
    case "cluster":
      return [dnsRule, { to: [{ namespaceSelector: {} }] }];
    case "internet":
      return [{}];
  }
}

/**
 * The spec of a CiliumNetworkPolicy that lets the server call these hosts on port 443. Cilium learns their addresses
 * from the answers of the cluster's name server, so the questions have to go through its proxy.
 */
export function fqdnPolicySpec(
  labels: Parameters<typeof selectorLabels>[0],
  fqdns: readonly string[],
): Record<string, unknown> {
  const nameServer = { "k8s:io.kubernetes.pod.namespace": "kube-system", "k8s-app": "kube-dns" };
  return {
    endpointSelector: { matchLabels: selectorLabels(labels) },
    egress: [
      {
        toEndpoints: [{ matchLabels: nameServer }],
        toPorts: [
          {
            ports: [{ port: "53", protocol: "ANY" }],
            rules: { dns: [{ matchPattern: "*" }] },
          },
        ],
      },
      {
        toFQDNs: fqdns.map((name) =>
          name.includes("*") ? { matchPattern: name } : { matchName: name },
        ),
        toPorts: [{ ports: [{ port: "443", protocol: "TCP" }] }],
      },
    ],
  };
}
