import type * as k8s from "@kubernetes/client-node";

import { componentLabel, keyAnnotation, mcpServerComponent } from "../names";

/** What a Deployment, a StatefulSet, a Service or a pod of an MCP server has, as the API takes it in a query. */
export const serverSelector = `${componentLabel}=${mcpServerComponent}`;

/** What has metadata. */
interface Named {
  readonly metadata?: k8s.V1ObjectMeta;
}

export function isServer({ metadata }: Named): boolean {
  return metadata?.labels?.[componentLabel] === mcpServerComponent;
}

/** A server's name for people: its key in the stack, else the object's own name. */
export function serverName({ metadata }: Named): string {
  const key = metadata?.annotations?.[keyAnnotation] ?? "";
  // Anyone who may annotate the object can write it, so it is cleaned.
  return /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(key) ? key : (metadata?.name ?? "");
}

/**
 * A name for each workload by which no other is known: its key, else its own name where the key is one of two or another's
 * own name, else its kind with its name where a Deployment and a StatefulSet have the same one.
 */
export function uniqueNames(workloads: readonly (Named & { readonly kind?: string })[]): string[] {
  const own = workloads.map(({ metadata }) => metadata?.name ?? "");
  const keys = workloads.map(serverName);
  const [ownCount, keyCount] = [counts(own), counts(keys)];
  return workloads.map(({ kind = "Deployment" }, index) => {
    const [key = "", name = ""] = [keys[index], own[index]];
    const isOwn = key === name ? 1 : 0;
    const taken = (keyCount.get(key) ?? 0) > 1 || (ownCount.get(key) ?? 0) > isOwn;
    if (!taken) return key;
    return (ownCount.get(name) ?? 0) > 1 ? `${kind.toLowerCase()}/${name}` : name;
  });
}

function counts(words: readonly string[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const word of words) found.set(word, (found.get(word) ?? 0) + 1);
  return found;
}
