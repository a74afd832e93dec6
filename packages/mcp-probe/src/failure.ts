import type { ProbeOutcome } from "./types";

/**
 * Whether a retry can help. `until-deadline`: the server may still be starting. `few`: most likely permanent,
 * but a pod of the previous release may still be behind the Service. `never`: the server works and rejects us.
 */
export type Retry = "until-deadline" | "few" | "never";

/** A failed attempt. `reason` is a predicate that follows the server's URL. */
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

/** A JSON-RPC error as the server's answer. */
export class RpcFailure extends ProbeFailure {
  constructor(
    outcome: Exclude<ProbeOutcome, "ok">,
    retry: Retry,
    reason: string,
    /** The error's code, for example -32601 for an unknown method. */
    readonly code: number,
    /** The protocol versions that the server names as its own when it rejects ours. */
    readonly supported: readonly string[] = [],
  ) {
    super(outcome, retry, reason);
    this.name = "RpcFailure";
  }
}

/**
 * An answer that is not MCP; most likely permanent.
 * @param reason a predicate
 */
export function notMcp(reason: string): ProbeFailure {
  return new ProbeFailure("not-mcp", "few", reason);
}

/** `1 second`, `2.5 seconds`. */
export function seconds(value: number): string {
  const rounded = Math.round(value * 10) / 10;
  return rounded === 1 ? "1 second" : `${rounded} seconds`;
}
