import type * as k8s from "@kubernetes/client-node";

/** The label by which a Deployment, a Service or a pod is an MCP server's. */
const serverLabel = "app.kubernetes.io/component";

/** The same as the API takes it in a query. */
export const serverSelector = `${serverLabel}=mcp-server`;

/** On a server's Deployment and Service: its key in the stack. Whoever made them otherwise need not set it. */
export const keyAnnotation = "mcp-fleet.dev/server";

export function isServer({ metadata }: { readonly metadata?: k8s.V1ObjectMeta }): boolean {
  return metadata?.labels?.[serverLabel] === "mcp-server";
}

/** A server's name for people: its key in the stack, else the object's own name. */
export function serverName({ metadata }: { readonly metadata?: k8s.V1ObjectMeta }): string {
  const key = metadata?.annotations?.[keyAnnotation] ?? "";
  // Whoever may annotate the object wrote it.
  return /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(key) ? key : (metadata?.name ?? "");
}
