import { at, isKind, isMcpServer, namespaceOf, podLabels, selects } from "../object";
import type { StackRule } from "../resource";

/** An MCP server usually asks nobody for a password: who reaches it may use its credentials. */
export const networkPolicy: StackRule = {
  name: "mcp-server-network-policy",
  description:
    "Every MCP server's pods are selected by a NetworkPolicy of the stack that closes ingress.",
  check: (resources) => {
    const policies = resources.filter((one) => isKind(one, "NetworkPolicy"));
    return resources
      .filter(isMcpServer)
      .filter(
        (server) =>
          !policies.some(
            (policy) =>
              namespaceOf(policy) === namespaceOf(server) &&
              closesIngress(policy.props) &&
              selects(at(policy.props, "spec", "podSelector", "matchLabels"), podLabels(server)) &&
              at(policy.props, "spec", "podSelector", "matchExpressions") === undefined,
          ),
      )
      .map(({ urn, name }) => ({
        urn,
        message: `no NetworkPolicy selects the pods of ${name}; set network.isolate to "fleet" or "namespace".`,
      }));
  },
};

/** Without `policyTypes` a policy is about ingress. */
function closesIngress(props: unknown): boolean {
  const types = at(props, "spec", "policyTypes");
  return !Array.isArray(types) || types.includes("Ingress");
}
