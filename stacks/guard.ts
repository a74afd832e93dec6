import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import { parse } from "yaml";

import type { StackConfig } from "./config";

/**
 * Refuses a cluster or namespace this stack is not meant for, before anything is made.
 *
 * @throws UserError naming the context or namespace and what is allowed.
 */
export function guard(config: Pick<StackConfig, "settings" | "kubernetes">): void {
  const { allowed, namespace } = config.settings;
  if (allowed.namespaces.length > 0 && !allowed.namespaces.includes(namespace)) {
    throw new UserError(
      `[namespace] "${namespace}" is not a namespace this stack may use.`,
      `Use one of allowed.namespaces: ${allowed.namespaces.join(", ")}.`,
    );
  }
  if (allowed.contexts.length === 0) return;
  const context = config.kubernetes.context ?? currentContext(config.kubernetes.kubeconfig);
  if (context !== undefined && allowed.contexts.includes(context)) return;
  throw new UserError(
    context === undefined
      ? "[kubernetes:context] is not set and no kubeconfig names a current context."
      : `[kubernetes:context] "${context}" is not a cluster this stack may use.`,
    `Set kubernetes:context to one of allowed.contexts: ${allowed.contexts.join(", ")}.`,
  );
}

/** The context the Kubernetes provider would take by itself. `kubeconfig` is a path or the file's content. */
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
