import { isUserError, UserError } from "@mcp-fleet/errors";

/** COMMIT was sent and its answer never came: only the ledger knows. */
export class CommitUnknown extends Error {
  override readonly name = "CommitUnknown";
}

/** Somebody brought the rows there between the plan and the lock: the next attempt finds nothing to do. */
export class RowsMoved extends Error {
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

export function standbyError(): UserError {
  return new UserError(
    "The database is a standby (in recovery), which cannot be written.",
    "Use the connection string of the primary.",
  );
}

/** The SQLSTATE, or the system's error code. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

/** Another try may find the lock free: serialization failure, deadlock, lock timeout. */
export function isLockError(error: unknown): boolean {
  return lockCodes.has(codeOf(error));
}

/** The connection could not be made, or is gone. */
export function isConnectionError(error: unknown): boolean {
  if (error === undefined || error === null || isUserError(error)) return false;
  const code = codeOf(error);
  if (connectionCodes.has(code) || code.startsWith("08") || networkCodes.has(code)) return true;
  const message = error instanceof Error ? error.message : "";
  return /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exp|Query read timeout|Client network socket disconnected)/.test(
    message,
  );
}

/**
 * An error that may be shown: the server's detail, hint and context quote rows, and the driver's own messages
 * may quote the DSN, so only what is known to be harmless is taken over.
 */
export function shown(error: unknown, doing: string): UserError {
  if (isUserError(error)) return error;
  const code = codeOf(error);
  if (error instanceof EngineError) {
    return new UserError(
      `While ${doing}: ${error.message}; nothing was committed.`,
      "This is a defect of mcp-fleet: report it with the output of the plan.",
    );
  }
  if (error instanceof CommitUnknown) {
    return new UserError(
      "The connection was lost while the run was being committed, and the database did not come back to say how it ended.",
      "Run again: the ledger in schema mcp_cutover tells whether it was committed, and a committed run is not repeated.",
    );
  }
  // A standby refuses to begin a transaction that may write.
  if (code === "25006" || (code === "0A000" && /recovery/.test(safeMessage(error))))
    return standbyError();
  if (code === "28P01" || code === "28000") {
    return new UserError(
      `The database refuses the login while ${doing} (SQLSTATE ${code}).`,
      "Check user, password and database name in the connection string.",
    );
  }
  if (code === "3D000") {
    return new UserError(
      "The database named in the connection string does not exist.",
      "Check the database's name in the connection string.",
    );
  }
  if (isConnectionError(error)) {
    return new DatabaseUnreachable(
      `The database cannot be reached while ${doing} (${reason(error)}).`,
      "Check that it runs and that host and port in the connection string are right; nothing was left half done.",
    );
  }
  if (isLockError(error)) {
    return new UserError(
      `The table stayed locked by somebody else while ${doing} (SQLSTATE ${code}); no row was changed.`,
      "Look for long transactions in pg_stat_activity, then run again, or raise [timeouts.lockSeconds].",
    );
  }
  if (code === "57014") {
    return new UserError(
      `A statement took too long while ${doing}; no row was changed.`,
      "Raise [timeouts.statementSeconds], or look for what slows the database down.",
    );
  }
  if (code === "42501") {
    return new UserError(
      `The database role may not do everything that is needed while ${doing}: ${safeMessage(error)}.`,
      "Grant it what packages/row-cutover/README.md lists, then run again.",
    );
  }
  if (/^[0-9A-Z]{5}$/.test(code)) {
    return new UserError(
      `The database refused while ${doing}: ${safeMessage(error)} (SQLSTATE ${code}); no row was changed.`,
      "The server's log has the details.",
    );
  }
  // The driver's text may hold the connection string; its kind is enough.
  return new UserError(
    `The database connection failed while ${doing} (${code === "" ? reason(error) : code}).`,
    "Check the connection string and the TLS settings.",
  );
}

/** Messages of data errors quote the value, so those are replaced. */
function safeMessage(error: unknown): string {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : "";
  if (code.startsWith("22")) return "a value does not fit its column";
  return message.split("\n", 1)[0] ?? "";
}

function reason(error: unknown): string {
  const code = codeOf(error);
  if (code !== "") return code;
  const message = error instanceof Error ? error.message : "";
  if (/timeout/i.test(message)) return "no answer in time";
  if (/terminated|closed|disconnected/i.test(message)) return "connection lost";
  if (/SSL|TLS|certificate/i.test(message)) return "TLS was refused";
  return "unknown reason";
}
