import { isUserError, UserError } from "@mcp-fleet/errors";

/** COMMIT was sent and its answer was lost: only the ledger knows the outcome. */
export class CommitUnknown extends Error {
  override readonly name = "CommitUnknown";
}

/** The table or its rows changed between the plan and the lock. The next attempt plans again. */
export class PlanOutdated extends Error {
  override readonly name = "PlanOutdated";
}

/** The database could not be reached, and nothing can have been committed. */
export class DatabaseUnreachable extends UserError {}

/** A defect of this package. Its message names keys and counts only. */
export class EngineError extends Error {
  override readonly name = "EngineError";
}

const lockCodes = new Set(["40001", "40P01", "55P03"]);

const connectionCodes = new Set(["57P01", "57P02", "57P03", "53300"]);

const networkCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** Fields of a server error beside its message. Only the server's own C code sets `file` and `routine`. */
export interface ServerFields {
  readonly file?: unknown;
  readonly routine?: unknown;
  /** The call stack of functions in the database, if it was raised in one. */
  readonly where?: unknown;
  /** The place in our statement, if the server refused to run it. */
  readonly position?: unknown;
}

/** Whether a RAISE in the database made the error: its message and SQLSTATE are that code's then. */
export function isRaised(error: unknown): boolean {
  const { file, routine } = error as ServerFields;
  return file === "pl_exec.c" && typeof routine === "string" && /raise|assert/.test(routine);
}

/** Whether a function in the database, or code that is not the server's own, made the error. */
export function isForeignCode(error: unknown): boolean {
  const { file, where } = error as ServerFields;
  return (
    (typeof where === "string" && where !== "") ||
    (typeof file === "string" && !/^[a-z][a-z0-9_]*\.[cly]$/i.test(file)) ||
    isRaised(error)
  );
}

/** The SQLSTATE, or the system's error code. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

/** Serialization failure, deadlock or lock timeout: another attempt may succeed. */
export function isLockError(error: unknown): boolean {
  return lockCodes.has(codeOf(error)) && !isRaised(error);
}

/** The connection could not be made, or is gone. */
export function isConnectionError(error: unknown): boolean {
  if (error === undefined || error === null || isUserError(error) || isRaised(error)) return false;
  const code = codeOf(error);
  if (connectionCodes.has(code) || code.startsWith("08") || networkCodes.has(code)) return true;
  const message = error instanceof Error ? error.message : "";
  return /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exp|Query read timeout|Client network socket disconnected)/.test(
    message,
  );
}

/** The triggers that run when rows are written, with names from the catalog. */
export interface TableTriggers {
  /** The table, as it is written in SQL. */
  readonly table: string;
  readonly triggers: readonly { readonly name: string; readonly procedure: string }[];
}
