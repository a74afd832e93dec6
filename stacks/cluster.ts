import type { PolicyEnforcement } from "@mcp-fleet/cluster";
import { isUserError } from "@mcp-fleet/errors";
import { connectKube, type Kube } from "@mcp-fleet/kube";

import type { StackConfig } from "./config";

/** The cluster that the Kubernetes provider uses. */
export function openCluster({ context, kubeconfig }: StackConfig["kubernetes"]): Promise<Kube> {
  return connectKube(
    context === undefined ? {} : { context },
    kubeconfig === undefined ? {} : { kubeconfig },
  );
}

/**
 * Whether the stack's NetworkPolicies do anything in its cluster. A cluster that cannot be asked is no reason to fail:
 * then it is not known.
 */
export async function enforcementOf(
  kubernetes: StackConfig["kubernetes"],
): Promise<PolicyEnforcement> {
  try {
    const { policyEnforcement } = await import("@mcp-fleet/cluster");
    return await policyEnforcement(await openCluster(kubernetes));
  } catch (error) {
    if (!isUserError(error)) throw error;
    return { enforced: "unknown", reason: error.problem };
  }
}
