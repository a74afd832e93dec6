import { at, isKind, isMcpServer, namespaceOf, podLabels, selects } from "../object";
import type { FleetResource, StackRule } from "../resource";

/** An MCP server usually has no authentication: whoever reaches it can use its credentials. */
export const networkPolicy: StackRule = {
  name: "mcp-server-network-policy",
  description:
    "Every MCP server's pods are selected by a NetworkPolicy that closes ingress, and by none that opens it to everybody or lets them out everywhere.",
  check: (resources) => {
    const policies = resources.filter((one) => isKind(one, "NetworkPolicy"));
    return resources.filter(isMcpServer).flatMap((server) => {
      const own = policies.filter((policy) => concerns(policy, server));
      if (!own.some((policy) => closesIngress(policy.props))) {
        return [
          {
            urn: server.urn,
            message: `no NetworkPolicy selects the pods of ${server.name}; set network.isolate to "fleet" or "namespace".`,
          },
        ];
      }
      const open = own.filter(letsEverybodyIn).map(({ urn, name }) => ({
        urn,
        message: `NetworkPolicy ${name} lets everybody call ${server.name}: a rule of spec.ingress has no "from"; name the callers.`,
      }));
      const out = own.filter(letsItOutEverywhere).map(({ urn, name }) => ({
        urn,
        message: `NetworkPolicy ${name} lets ${server.name} connect to everything: a rule of spec.egress names neither addresses nor pods; use a profile of egress.`,
      }));
      return [...open, ...out];
    });
  },
};

function concerns(policy: FleetResource, server: FleetResource): boolean {
  return (
    namespaceOf(policy) === namespaceOf(server) &&
    selects(at(policy.props, "spec", "podSelector", "matchLabels"), podLabels(server)) &&
    at(policy.props, "spec", "podSelector", "matchExpressions") === undefined
  );
}

/** Without `policyTypes` a policy applies to ingress. */
function closesIngress(props: unknown): boolean {
  const types = at(props, "spec", "policyTypes");
  return !Array.isArray(types) || types.includes("Ingress");
}

/** A rule for every address, or for every pod of the cluster, includes the API server, nodes and metadata addresses. */
function letsItOutEverywhere({ props }: FleetResource): boolean {
  const rules = at(props, "spec", "egress");
  return (
    Array.isArray(rules) &&
    rules.some((rule) => {
      const to = at(rule, "to");
      if (!Array.isArray(to) || to.length === 0) return true;
      return to.some((peer) => {
        const { cidr, except } = (at(peer, "ipBlock") ?? {}) as Record<string, unknown>;
        const everywhere = (cidr === "0.0.0.0/0" || cidr === "::/0") && !Array.isArray(except);
        const selector = at(peer, "namespaceSelector");
        const everyPod =
          selector !== undefined &&
          Object.keys(at(selector, "matchLabels") ?? {}).length === 0 &&
          at(selector, "matchExpressions") === undefined;
        return everywhere || everyPod;
      });
    })
  );
}

/** Policies are additive: one open rule is enough. */
function letsEverybodyIn({ props }: FleetResource): boolean {
  const rules = at(props, "spec", "ingress");
  if (!closesIngress(props) || !Array.isArray(rules)) return false;
  return rules.some((rule) => {
    const from = at(rule, "from");
    return !Array.isArray(from) || from.length === 0;
  });
}
