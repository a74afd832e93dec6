import type { PolicyEnforcement } from "@mcp-fleet/cluster";
import { isUserError, UserError } from "@mcp-fleet/errors";
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

/** What a cluster said; else why it could not be asked, in a sentence. */
type Seen<T> = { readonly answer: T } | { readonly unseen: string };

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
    return { unseen: error.problem };
  }
}

/**
 * Asks the cluster for the stack's namespace, before anything is made. A preview says when it could not see it.
 *
 * @throws UserError when the namespace is not there and the stack does not make it, or is being removed
 */
export async function requireNamespace({
  settings: { namespace, createNamespace },
  kubernetes,
}: Pick<StackConfig, "settings" | "kubernetes">): Promise<void> {
  // Where objects are only written as YAML, there is no cluster.
  if (kubernetes.rendered) return;
  const { namespaceState } = await import("@mcp-fleet/cluster");
  const seen = await seeCluster(kubernetes, (kube) => namespaceState(kube, namespace));
  if ("unseen" in seen) {
    if (!pulumi.runtime.isDryRun()) return;
    const kept = "What is there is not known; shown is what this stack declares.";
    await pulumi.log.warn(`${seen.unseen} ${kept}`);
    return;
  }
  if (seen.answer === "ending") {
    throw new UserError(
      `[namespace] The namespace ${namespace} is being removed, and takes nothing new.`,
      `Wait until it is gone: kubectl wait --for=delete namespace/${namespace} --timeout=5m`,
    );
  }
  if (seen.answer === "missing" && !createNamespace) {
    throw new UserError(
      `[namespace] The cluster has no namespace ${namespace}, and createNamespace is false.`,
      `Make it: kubectl create namespace ${namespace}`,
    );
  }
}

/** Whether the stack's NetworkPolicies do anything in its cluster. */
export async function enforcementOf(
  kubernetes: StackConfig["kubernetes"],
): Promise<PolicyEnforcement> {
  const { policyEnforcement } = await import("@mcp-fleet/cluster");
  const seen = await seeCluster(kubernetes, policyEnforcement);
  return "answer" in seen ? seen.answer : { enforced: "unknown", reason: seen.unseen };
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
