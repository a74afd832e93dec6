import type { ToolDefinition, ToolLock } from "./tool-lock";

/** One MCP endpoint to ask. */
export interface ProbeTarget {
  /** Its name in messages and results. */
  readonly name: string;
  /** The exact URL a client will use, path included. */
  readonly url: string;
  /** Sent with every request. Values are secrets: they appear in no message and no result. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Certificates (PEM) of the authority that signed the server's own. They are trusted in addition to the
   * system's, and for this target only.
   */
  readonly ca?: string;
  /**
   * The name that the server's certificate must contain.
   * @default the URL's host
   */
  readonly serverName?: string;
  /** Where to connect instead of what the URL's host resolves to: an IP address. */
  readonly address?: string;
  /**
   * What 401 or 403 means: a failure (`none`), or a server whose clients bring their own credentials
   * (`per-request`).
   * @default "none"
   */
  readonly auth?: "none" | "per-request";
  /** Tools that must be listed. @default none */
  readonly requiredTools?: readonly string[];
  /** How many tools must be listed at least. @default 1 */
  readonly minTools?: number;
  /** What it is to list, as the stack's tools lock agrees to. @default nothing is agreed */
  readonly lock?: ToolLock;
  /**
   * How long one request with its answer may take, in seconds; the deadline may leave it less. A server that starts a
   * process for each client needs as long as its own start, and is not asked again meanwhile.
   * @default the options' `requestTimeoutSeconds`
   */
  readonly answerSeconds?: number;
}

/** A header's value in a file. */
export interface HeaderFile {
  readonly file: string;
  /**
   * Prepended to the file's content: `"Bearer "`.
   * @default nothing
   */
  readonly prefix?: string;
}

/** A target with parts in files, such as those mounted into a pod. */
export interface FileTarget extends Omit<ProbeTarget, "ca"> {
  readonly caFile?: string;
  /** Header name to the file with its value. */
  readonly headerFiles?: Readonly<Record<string, HeaderFile>>;
}

/** Limits of a probe. */
export interface ProbeOptions {
  /**
   * How long one target is tried again before the last failure counts, in seconds. Given, it also ends a request that is
   * under way. @default 60, and a request under way has its own time
   */
  readonly deadlineSeconds?: number;
  /** Limit of one HTTP request with its answer, in seconds, for targets that name none of their own. @default 10 */
  readonly requestTimeoutSeconds?: number;
  /**
   * The protocol versions of the client that the probe represents. A server that shares none fails.
   * @default the versions that begin with `initialize`, 2024-11-05 to 2025-11-25
   */
  readonly protocols?: readonly string[];
  /**
   * How many targets {@link probeAll} probes at once.
   * @default 16
   */
  readonly concurrency?: number;
  /** Pause between two attempts, in seconds. @default 1 */
  readonly retryDelaySeconds?: number;
  /** Whether the results have the definitions of the tools. @default false */
  readonly definitions?: boolean;
}

/** The result of a probe. `auth-required` passes only for a target with `auth: "per-request"`. */
export type ProbeOutcome =
  | "ok"
  | "auth-required"
  | "redirect"
  | "http-error"
  | "unreachable"
  | "timeout"
  | "not-mcp"
  | "no-shared-protocol"
  | "missing-tools"
  | "changed-tools";

/** The result for one target. Safe to print and to store: it contains no header and no query string. */
export interface ProbeResult {
  readonly name: string;
  /** The target's URL without user name, password and query string. */
  readonly url: string;
  readonly ok: boolean;
  readonly outcome: ProbeOutcome;
  /** One sentence for an operator: the server, what it did and, on a failure, what helps. */
  readonly message: string;
  /** The protocol version both sides agreed on. */
  readonly protocolVersion?: string;
  readonly serverName?: string;
  readonly serverVersion?: string;
  /** Names of the listed tools in the server's order. Absent when there was no list. */
  readonly tools?: readonly string[];
  /** What the server says of its tools, without the credentials that were sent. Only where it was asked for. */
  readonly definitions?: readonly ToolDefinition[];
  /** Duration of the last attempt in milliseconds. */
  readonly latencyMs: number;
  /** How many attempts were made. */
  readonly attempts: number;
}
