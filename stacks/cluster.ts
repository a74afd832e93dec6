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

/** What a cluster said; else why it could not be asked, in a sentence, and whether it answered at all. */
type Seen<T> = { readonly answer: T } | { readonly unseen: string; readonly reached: boolean };

/**
 * Asks the stack's cluster. One that cannot be asked is no reason to fail here: an update fails where it needs the
 * cluster, and a preview goes on without, after at most three seconds.
 */
export async function seeCluster<T>(
  kubernetes: StackConfig["kubernetes"],
  ask: (kube: Kube) => Promise<T>,
): Promise<Seen<T>> {
  try {
    const kube = await openCluster(kubernetes);
    const answer = ask(kube);
    return {
      answer: await (pulumi.runtime.isDryRun() ? withinSeconds(kube, answer) : answer),
    };
  } catch (error) {
    if (!isUserError(error)) throw error;
    return { unseen: error.problem, reached: !(error instanceof UnreachableError) };
  }
}

/** Whether the stack's NetworkPolicies do anything in its cluster; a preview says which cluster it could not see. */
export async function enforcementOf(
  kubernetes: StackConfig["kubernetes"],
): Promise<PolicyEnforcement> {
  const { policyEnforcement } = await import("@mcp-fleet/cluster");
  const seen = await seeCluster(kubernetes, policyEnforcement);
  if ("answer" in seen) return seen.answer;
  if (pulumi.runtime.isDryRun() && !seen.reached) {
    const kept = "What is there is not known; shown is what this stack declares.";
    await pulumi.log.warn(`${seen.unseen} ${kept}`);
  }
  return { enforced: "unknown", reason: seen.unseen };
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
