import type { ProbeOutcome } from "./types";

/**
 * Whether asking again can help. `until-deadline`: the server may still be starting. `few`: most likely
 * permanent, but a pod of the previous release may still stand behind the Service. `never`: the server
 * works and means it.
 */
export type Retry = "until-deadline" | "few" | "never";

/** One attempt that failed. `reason` is a predicate: it reads on after the server's URL. */
export class ProbeFailure extends Error {
  constructor(
    readonly outcome: Exclude<ProbeOutcome, "ok">,
    readonly retry: Retry,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(reason, options);
    this.name = "ProbeFailure";
  }
}

/** A JSON-RPC error that the server gave as its answer. */
export class RpcFailure extends ProbeFailure {
  constructor(
    outcome: Exclude<ProbeOutcome, "ok">,
    retry: Retry,
    reason: string,
    /** The error's code, for example -32601 for an unknown method. */
    readonly code: number,
  ) {
    super(outcome, retry, reason);
    this.name = "RpcFailure";
  }
}

const networkReasons: Record<string, string> = {
  ECONNREFUSED:
    "refuses the connection; no ready pod stands behind the Service, or the server listens on another port or on loopback only",
  ENOTFOUND: "cannot be found: its host name does not resolve from here",
  EAI_AGAIN: "cannot be found: the name server gave no answer for its host name",
  EHOSTUNREACH: "cannot be reached: there is no route to its address",
  ENETUNREACH: "cannot be reached: there is no route to its network",
  ECONNRESET: "closes the connection without an answer",
  EPIPE: "closes the connection without an answer",
  UND_ERR_SOCKET: "closes the connection without an answer",
};

/** Turns whatever `fetch` or reading its body threw into a {@link ProbeFailure}. */
export function networkFailure(
  error: unknown,
  limit: { signal: AbortSignal; seconds: number; what: "deadline" | "limit of one request" },
): ProbeFailure {
  if (error instanceof ProbeFailure) return error;
  const code = codeOf(error);
  if (limit.signal.aborted || code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") {
    return new ProbeFailure(
      "timeout",
      "until-deadline",
      `gives no answer within ${seconds(limit.seconds)}, the ${limit.what}; the server hangs, or a NetworkPolicy drops the connection`,
    );
  }
  if (code.startsWith("HPE_")) {
    return new ProbeFailure("not-mcp", "few", "answers with something that is not HTTP");
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    return new ProbeFailure(
      "unreachable",
      "never",
      "does not speak TLS there; use http:// in its URL",
    );
  }
  if (code.includes("CERT") || code === "UNABLE_TO_VERIFY_LEAF_SIGNATURE") {
    return new ProbeFailure(
      "unreachable",
      "never",
      `shows a certificate that is not trusted here (${code})`,
    );
  }
  if (
    error instanceof Error &&
    error.cause instanceof Error &&
    error.cause.message === "bad port"
  ) {
    return new ProbeFailure(
      "unreachable",
      "never",
      "cannot be asked: its port is one that the fetch standard blocks, so clients in JavaScript cannot use it either",
    );
  }
  const reason = networkReasons[code];
  if (reason !== undefined) return new ProbeFailure("unreachable", "until-deadline", reason);
  // The text of an unknown error may quote a header, so only its code is shown.
  const shown = code === "" ? "" : ` (${code})`;
  return new ProbeFailure("unreachable", "until-deadline", `cannot be reached${shown}`);
}

/** `1 second`, `2.5 seconds`. */
export function seconds(value: number): string {
  const rounded = Math.round(value * 10) / 10;
  return rounded === 1 ? "1 second" : `${rounded} seconds`;
}

/** The system's or undici's code, also of the first inner error when several addresses were tried. */
function codeOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    if ("code" in at && typeof at.code === "string") return at.code;
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
  return "";
}
