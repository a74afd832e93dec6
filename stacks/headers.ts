import { headerFault, headerValue } from "@mcp-fleet/mcp-probe";
import { type HeaderValue, ownValue, type Problem, type ResolvedServer } from "@mcp-fleet/schema";

import type { HeaderSource, KeptHeader } from "../components/cutover";
import { secretNameOf } from "../components/server";
import type { SecretValues } from "./secrets";

/** The headers of one server. */
export interface Headers {
  /** Headers with a known value: text of the stack file, and values of its secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the other values are stored, and which of those above come from the stack's secrets. */
  readonly headersFrom: Readonly<Record<string, HeaderSource>>;
}

type Secrets = Pick<SecretValues, "servers">;

/**
 * A value from a foreign Secret is read by the run that writes the row and by the probe's pod, at that time. So
 * it is in no state, a preview needs no cluster for it, and an operator may create the Secret in the same
 * update.
 */
export function headersOf(namespace: string, server: ResolvedServer, secrets: Secrets): Headers {
  const headers: Record<string, string> = {};
  const headersFrom: Record<string, HeaderSource> = {};
  for (const [name, value] of Object.entries(server.headers)) {
    const from = sourceOf(namespace, server, value);
    if (from !== undefined) headersFrom[name] = from;
    if (from === undefined || "stack" in from) headers[name] = clearValue(server, value, secrets);
  }
  return { headers, headersFrom };
}

/** The same in the form of a probe target, which does not need the source of a known value. */
export function targetHeaders({ headers, headersFrom }: Headers): {
  headers?: Readonly<Record<string, string>>;
  headersFrom?: Readonly<Record<string, KeptHeader>>;
} {
  const kept = Object.entries(headersFrom).flatMap(([name, from]) =>
    "stack" in from ? [] : [[name, from] as const],
  );
  return {
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(kept.length === 0 ? {} : { headersFrom: Object.fromEntries(kept) }),
  };
}

/** Values of the stack's secrets that no header can contain. */
export function headerValueProblems(
  servers: readonly ResolvedServer[],
  secrets: Secrets,
): Problem[] {
  return servers.flatMap((server) =>
    Object.entries(server.headers).flatMap(([name, value]): Problem[] => {
      const from = sourceOf("", server, value);
      if (from === undefined || !("stack" in from)) return [];
      const text = clearValue(server, value, secrets);
      const fault = headerFault(typeof value === "string" ? undefined : value.prefix, text);
      if (fault === undefined) return [];
      const why =
        fault === "empty" ? "and a header is made of it" : "which is all that a header can contain";
      return [
        {
          path: from.stack,
          problem: `is ${fault}, ${why} (${name}).`,
          fix: `Set it anew, or name another key in servers.${server.key}.headers.${name}.`,
        },
      ];
    }),
  );
}

/** Undefined for text. */
function sourceOf(
  namespace: string,
  server: ResolvedServer,
  value: HeaderValue,
): HeaderSource | undefined {
  if (typeof value === "string") return undefined;
  const prefix = value.prefix === undefined ? {} : { prefix: value.prefix };
  if ("secret" in value) return { namespace, secret: value.secret, key: value.key, ...prefix };
  const secret = secretNameOf(server);
  return secret === undefined
    ? { stack: `serverSecrets.${server.key}.${value.secretKey}` }
    : { namespace, secret, key: value.secretKey, ...prefix };
}

function clearValue({ key }: ResolvedServer, value: HeaderValue, { servers }: Secrets): string {
  if (typeof value === "string") return value;
  const name = "secretKey" in value ? value.secretKey : "";
  return headerValue(value.prefix, ownValue(servers, key)?.clear(name) ?? "");
}
