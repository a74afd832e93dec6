import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import { parse } from "yaml";
import { z } from "zod";

import { openCluster } from "./cluster";
import type { StackConfig } from "./config";

/**
 * Refuses a cluster or namespace this stack is not meant for, before anything is made. What `allowed.clusters` and
 * `forbidden.clusters` name is compared with the cluster itself: a context is only what this machine calls it.
 *
 * @throws UserError naming the context, cluster or namespace and what is allowed, and when the cluster does not say
 *   which one it is
 */
export async function guard(config: Pick<StackConfig, "settings" | "kubernetes">): Promise<void> {
  const { allowed, forbidden, namespace } = config.settings;
  const { kubernetes } = config;
  checkName("namespace", namespace, allowed.namespaces, forbidden.namespaces, "namespaces");
  // Where objects are only written as YAML, nothing is made in any cluster.
  if (kubernetes.rendered) return;
  checkContext(kubernetes);
  if (allowed.contexts.length > 0 || forbidden.contexts.length > 0) {
    const context = kubernetes.context ?? currentContext(kubernetes.kubeconfig);
    checkName("kubernetes:context", context, allowed.contexts, forbidden.contexts, "contexts");
  }
  if (allowed.clusters.length > 0 || forbidden.clusters.length > 0) await checkCluster(config);
}

function checkName(
  key: "namespace" | "kubernetes:context",
  name: string | undefined,
  allowed: readonly string[],
  forbidden: readonly string[],
  list: "namespaces" | "contexts",
): void {
  const what = list === "namespaces" ? "namespace" : "cluster";
  if (name !== undefined && forbidden.includes(name)) {
    throw new UserError(
      `[${key}] "${name}" is a ${what} this stack may not use.`,
      `Use one that is not in forbidden.${list}: ${forbidden.join(", ")}.`,
    );
  }
  if (allowed.length === 0 || (name !== undefined && allowed.includes(name))) return;
  throw new UserError(
    name === undefined
      ? `[${key}] is not set and no kubeconfig names a current context.`
      : `[${key}] "${name}" is not a ${what} this stack may use.`,
    `${list === "contexts" ? `Set ${key} to` : "Use"} one of allowed.${list}: ${allowed.join(", ")}.`,
  );
}

async function checkCluster(config: Pick<StackConfig, "settings" | "kubernetes">): Promise<void> {
  const { allowed, forbidden } = config.settings;
  // Loaded here: a stack without these rules does not pay for the client library.
  const { identify, refusalOf } = await import("@mcp-fleet/cluster");
  const kube = await openCluster(config.kubernetes);
  const identity = await identify(kube, [...allowed.clusters, ...forbidden.clusters]);
  const refusal = refusalOf(identity, allowed.clusters, forbidden.clusters);
  if (refusal === undefined) return;
  throw new UserError(
    `[${refusal.list}.clusters] The cluster of context "${identity.context}" is not one this stack may use: ${refusal.why}.`,
    `Set kubernetes:context to another cluster, or change ${refusal.list}.clusters if this is the right one.`,
  );
}

/**
 * A context that no kubeconfig has would be found by the first object that is made, and by no preview.
 *
 * @throws UserError naming those that there are
 */
function checkContext({ context, kubeconfig }: StackConfig["kubernetes"]): void {
  const found = kubeconfigs(kubeconfig);
  if (context === undefined || found.length === 0) return;
  const known = found.flatMap(({ contexts }) => contexts);
  if (known.includes(context)) return;
  throw new UserError(
    `[kubernetes:context] The kubeconfig has no context "${context}"; it has ${known.length > 0 ? known.join(", ") : "none"}.`,
    known[0] === undefined
      ? "Set kubernetes:kubeconfig to the path or the content of one that has it."
      : `Set one of them, such as: pulumi config set kubernetes:context ${known[0]}`,
  );
}

/** The context the Kubernetes provider would take by itself. */
function currentContext(kubeconfig: string | undefined): string | undefined {
  return kubeconfigs(kubeconfig).find(({ current }) => current !== undefined)?.current;
}

interface Kubeconfig {
  readonly current?: string;
  /** Names of its contexts. */
  readonly contexts: readonly string[];
}

/** What can be read of the kubeconfigs that count. `given` is a path or the file's content. */
function kubeconfigs(given: string | undefined): Kubeconfig[] {
  const fromEnvironment = (process.env.KUBECONFIG ?? "").split(delimiter).filter(Boolean);
  const files = fromEnvironment.length > 0 ? fromEnvironment : [join(homedir(), ".kube", "config")];
  return (given === undefined ? files : [given]).flatMap((source) => {
    const path = source.startsWith("~/") ? join(homedir(), source.slice(2)) : source;
    const read = kubeconfigSchema.safeParse(
      parsed(existsSync(path) ? readFileSync(path, "utf8") : source),
    );
    if (!read.success) return [];
    const { contexts, "current-context": current } = read.data;
    return [
      {
        contexts: contexts.map(({ name }) => name),
        ...(current === undefined || current === "" ? {} : { current }),
      },
    ];
  });
}

const kubeconfigSchema = z.object({
  "current-context": z
    .string()
    .nullish()
    .transform((name) => name ?? undefined),
  contexts: z
    .array(z.object({ name: z.string() }))
    .nullish()
    .transform((list) => list ?? []),
});

function parsed(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return undefined;
  }
}
