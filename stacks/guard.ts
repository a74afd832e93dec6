import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import { parse } from "yaml";

import { openCluster } from "./cluster";
import type { StackConfig } from "./config";

/**
 * Refuses a cluster or namespace that this stack is not meant for, before anything is created.
 * `allowed.clusters` and `forbidden.clusters` are compared with the cluster itself, because a context is only
 * this machine's name for it.
 *
 * @throws UserError naming the context, cluster or namespace and what is allowed, and when the cluster's
 * identity cannot be read
 */
export async function guard(config: Pick<StackConfig, "settings" | "kubernetes">): Promise<void> {
  const { allowed, forbidden, namespace } = config.settings;
  const { kubernetes } = config;
  checkName("namespace", namespace, allowed.namespaces, forbidden.namespaces, "namespaces");
  // In render mode nothing is created in any cluster.
  if (kubernetes.rendered) return;
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
  // Loaded here, so that a stack without these rules does not load the client library.
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

/** The context that the Kubernetes provider uses by default. `kubeconfig` is a path or the file's content. */
function currentContext(kubeconfig: string | undefined): string | undefined {
  const fromEnvironment = (process.env.KUBECONFIG ?? "").split(delimiter).filter(Boolean);
  const files = fromEnvironment.length > 0 ? fromEnvironment : [join(homedir(), ".kube", "config")];
  for (const source of kubeconfig === undefined ? files : [kubeconfig]) {
    const text = existsSync(source) ? readFileSync(source, "utf8") : source;
    const context = contextIn(text);
    if (context !== undefined) return context;
  }
  return undefined;
}

function contextIn(text: string): string | undefined {
  try {
    const document = parse(text) as { "current-context"?: unknown } | null;
    const context = document?.["current-context"];
    return typeof context === "string" && context !== "" ? context : undefined;
  } catch {
    return undefined;
  }
}
