import type { PolicyEnforcement } from "@mcp-fleet/cluster";
import { isUserError } from "@mcp-fleet/errors";
import { connectKube, type Kube, UnreachableError } from "@mcp-fleet/kube";
import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "./config";

/** The cluster that the Kubernetes provider uses. */
export function openCluster({ context, kubeconfig }: StackConfig["kubernetes"]): Promise<Kube> {
  return connectKube(
    context === undefined ? {} : { context },
    kubeconfig === undefined ? {} : { kubeconfig },
  );
}

/** How long a preview waits for the cluster, in seconds. */
const previewSeconds = 3;

/**
 * Whether the stack's NetworkPolicies do anything in its cluster. A cluster that cannot be asked is no reason to fail:
 * then it is not known, and a preview says which cluster it could not see.
 */
export async function enforcementOf(
  kubernetes: StackConfig["kubernetes"],
): Promise<PolicyEnforcement> {
  try {
    const { policyEnforcement } = await import("@mcp-fleet/cluster");
    const kube = await openCluster(kubernetes);
    const answer = policyEnforcement(kube);
    return await (pulumi.runtime.isDryRun() ? withinSeconds(kube, answer) : answer);
  } catch (error) {
    if (!isUserError(error)) throw error;
    if (pulumi.runtime.isDryRun() && error instanceof UnreachableError) {
      const kept = "What is there is not known; shown is what this stack declares.";
      await pulumi.log.warn(`${error.problem} ${kept}`);
    }
    return { enforced: "unknown", reason: error.problem };
  }
}

/** @throws UnreachableError when the cluster takes longer than a preview may wait for it */
async function withinSeconds<T>(kube: Kube, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new UnreachableError(
          `The Kubernetes API at ${kube.server} did not answer within ${previewSeconds} seconds.`,
          `Check that the cluster runs, and ${kube.names.kubeconfig} and ${kube.names.context}.`,
        ),
      );
    }, previewSeconds * 1000);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    // Its own limit ends it later; by then nobody waits.
    answer.catch(() => undefined);
  }
}
