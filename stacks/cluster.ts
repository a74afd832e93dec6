import { isUserError, UserError } from "@mcp-fleet/errors";
import { connectKube, type Kube, NoSuchContextError, UnreachableError } from "@mcp-fleet/kube";
import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "./config";

const opened = new WeakMap<StackConfig["kubernetes"], Promise<Kube>>();

/**
 * The cluster that the Kubernetes provider uses; opened once for a run of the program.
 * @throws NoSuchContextError in the words of the stack, UserError for a kubeconfig that cannot be read
 */
export function openCluster(kubernetes: StackConfig["kubernetes"]): Promise<Kube> {
  const kube = opened.get(kubernetes) ?? connected(kubernetes);
  opened.set(kubernetes, kube);
  return kube;
}

async function connected({ context, kubeconfig }: StackConfig["kubernetes"]): Promise<Kube> {
  try {
    return await connectKube(
      context === undefined ? {} : { context },
      kubeconfig === undefined ? {} : { kubeconfig },
    );
  } catch (error) {
    if (!(error instanceof NoSuchContextError)) throw error;
    const { known } = error;
    throw new NoSuchContextError(
      known,
      `[kubernetes:context] The kubeconfig has no context "${context}"; it has ${known.length > 0 ? known.join(", ") : "none"}.`,
      known[0] === undefined
        ? "Set kubernetes:kubeconfig to the path or the content of one that has it."
        : `Set one of them, such as: pulumi config set kubernetes:context ${known[0]}`,
    );
  }
}

/** How long a preview waits for the cluster, in seconds. */
const previewSeconds = 3;

/** The cluster's answer, or a sentence that says why there is none. */
type Seen<T> = { readonly answer: T } | { readonly unseen: string };

/** The cluster did not answer in a preview, which does not wait for it again. */
class SilentError extends UnreachableError {}
const silent = new WeakMap<StackConfig["kubernetes"], string>();

/**
 * Asks the stack's cluster. An unreachable one is no error here: an update fails where it needs the cluster, and
 * a preview continues without it, after three seconds in all.
 * @throws NoSuchContextError
 */
export async function seeCluster<T>(
  kubernetes: StackConfig["kubernetes"],
  ask: (kube: Kube) => Promise<T>,
): Promise<Seen<T>> {
  const known = silent.get(kubernetes);
  if (known !== undefined) return { unseen: known };
  try {
    const kube = await openCluster(kubernetes);
    const answer = ask(kube);
    return {
      answer: await (pulumi.runtime.isDryRun() ? withinSeconds(kube, answer) : answer),
    };
  } catch (error) {
    if (!isUserError(error) || error instanceof NoSuchContextError) throw error;
    if (error instanceof SilentError) silent.set(kubernetes, error.problem);
    return { unseen: error.problem };
  }
}

/**
 * Checks that the stack's namespace exists, before anything is created. A preview reports when it could not
 * check.
 *
 * @throws UserError when the namespace does not exist and the stack does not create it, or is being deleted
 */
export async function requireNamespace({
  settings: { namespace, createNamespace },
  kubernetes,
}: Pick<StackConfig, "settings" | "kubernetes">): Promise<void> {
  // In render mode there is no cluster.
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
      `[namespace] The namespace ${namespace} is being deleted, and accepts nothing new.`,
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

/** @throws SilentError when the cluster takes longer than a preview waits for it */
async function withinSeconds<T>(kube: Kube, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new SilentError(
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
    // Its own time limit ends it later; its result is not used then.
    answer.catch(() => undefined);
  }
}
