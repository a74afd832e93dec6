import { isUserError, UserError } from "@mcp-fleet/errors";

/** COMMIT was sent and its answer never came: only the ledger knows. */
export class CommitUnknown extends Error {
  override readonly name = "CommitUnknown";
}

/** Somebody brought the rows there between the plan and the lock: the next attempt finds nothing to do. */
export class AlreadyMoved extends Error {
  override readonly name = "RowsMoved";
}

/** No connection, and nothing that could have been committed over one. */
export class DatabaseUnreachable extends UserError {}

/** Something of this package did not hold. Its message names keys and counts only. */
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

/** What the server says of an error beside its text. Only C code of the server sets `file` and `routine`. */
export interface ServerFields {
  readonly file?: unknown;
  readonly routine?: unknown;
  /** The call stack of functions in the database, where it came out of one. */
  readonly where?: unknown;
  /** Where in our statement, when the server did not even begin to run it. */
  readonly position?: unknown;
}

/** Whether code in the database raised it: then every word of it is that code's, the SQLSTATE too. */
export function isRaised(error: unknown): boolean {
  const { file, routine } = error as ServerFields;
  return file === "pl_exec.c" && typeof routine === "string" && /raise|assert/.test(routine);
}

/** Whether it came out of a function in the database, or of code that is not the server's own. */
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

/** Another try may find the lock free: serialization failure, deadlock, lock timeout. */
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

/** Code of others that runs when rows are written, by names from the catalog. */
export interface TableTriggers {
  /** The table, as it is written in SQL. */
  readonly table: string;
  readonly triggers: readonly { readonly name: string; readonly procedure: string }[];
}
