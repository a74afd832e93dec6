import type * as k8s from "@kubernetes/client-node";

import type { ObjectKey } from "../objects";

/** On a Service: where the authority of its server's certificate is, as {@link authorityText} writes it. */
export const caAnnotation = "mcp-fleet.dev/ca";

/** `configmap/corp-ca/ca.crt` */
export function authorityText(from: ObjectKey): string {
  const object = "secret" in from ? `secret/${from.secret}` : `configmap/${from.configMap}`;
  return `${object}/${from.key}`;
}

/** What the annotation of a Service names; undefined without one, and for one that names nothing. */
export function authorityOf({ metadata }: k8s.V1Service): ObjectKey | undefined {
  const text = metadata?.annotations?.[caAnnotation] ?? "";
  const [, kind, name = "", key = ""] =
    /^(secret|configmap)\/([a-z0-9][a-z0-9.-]{0,252})\/([-._a-zA-Z0-9]{1,253})$/.exec(text) ?? [];
  if (kind === undefined) return undefined;
  return kind === "secret" ? { secret: name, key } : { configMap: name, key };
}
