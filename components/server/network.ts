import type * as k8s from "@pulumi/kubernetes";

import { selectorLabels } from "../core";
import type { Egress, McpServerArgs } from "./args";

type PolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;
type EgressRule = k8s.types.input.networking.v1.NetworkPolicyEgressRule;

const dnsRule: EgressRule = {
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};

/** Who may call the server (its consumers, on its port), and where it may connect to. */
export function serverPolicy(
  args: McpServerArgs,
  labels: Parameters<typeof selectorLabels>[0],
): PolicySpec {
  return {
    podSelector: { matchLabels: selectorLabels(labels) },
    policyTypes: ["Ingress", "Egress"],
    ingress:
      args.consumers.length === 0
        ? []
        : [
            {
              from: args.consumers.map((consumer) => ({
                podSelector: { matchLabels: { ...consumer.labels } },
              })),
              ports: [{ protocol: "TCP", port: args.port }],
            },
          ],
    egress: egressRules(args.egress ?? "dns"),
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
