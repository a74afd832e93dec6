import { isUserError, UserError } from "@mcp-fleet/errors";
import { escapeIdentifier } from "pg";

import {
  codeOf,
  CommitUnknown,
  DatabaseUnreachable,
  EngineError,
  isConnectionError,
  isForeignCode,
  isLockError,
  isRaised,
  type ServerFields,
  type TableTriggers,
} from "./errors";

export function standbyError(): UserError {
  return new UserError(
    "The database is a standby (in recovery), which cannot be written.",
    "Use the connection string of the primary.",
  );
}

/** The role may not connect. @param role and database, not quoted */
export function connectDenied(role: string, database: string): UserError {
  const [to, on] = [role, database].map((name) => escapeIdentifier(name));
  return new UserError(
    `The database role ${to} of [databaseUrl] may not connect to the database ${on}.`,
    `Run as the database's owner: grant connect on database ${on} to ${to};`,
  );
}

/** Messages of the server that never quote a value, by SQLSTATE and source file. They name objects and limits. */
const messagesWithoutValues: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^42501$/, ["aclchk.c"]],
  [/^23/, ["nbtinsert.c", "execMain.c", "execIndexing.c", "ri_triggers.c"]],
  [/^53/, ["md.c", "fd.c", "lock.c", "xlog.c", "xloginsert.c", "mcxt.c", "aset.c", "bulk_write.c"]],
  [/^55/, ["execReplication.c", "trigger.c", "tablecmds.c", "execIndexing.c", "execMain.c"]],
];

/** Source files whose errors come before a statement runs. Their messages quote names of the configuration only. */
const beforeRunning =
  /^(parse_relation|parse_func|parse_oper|parse_target|parse_type|namespace|scan)\.[cl]$/;

/** The server's message, where it is known to quote no value. */
function safeMessage(error: unknown): string | undefined {
  if (isForeignCode(error) || !(error instanceof Error)) return undefined;
  const { file, position } = error as ServerFields;
  if (typeof file !== "string") return undefined;
  const code = codeOf(error);
  const known =
    messagesWithoutValues.some(([codes, files]) => codes.test(code) && files.includes(file)) ||
    (code.startsWith("42") && position !== undefined && beforeRunning.test(file));
  return known ? error.message.split("\n", 1)[0] : undefined;
}

/**
 * Turns any error into one that may be shown. Messages of the server and of code in the database may quote rows, and
 * the driver's may quote the DSN, so only text that is known to be harmless is used.
 * @param doing such as `planning the rows`
 * @param others the triggers that may have raised it. Default: unknown
 */
export function toUserError(error: unknown, doing: string, others?: TableTriggers): UserError {
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
      "The connection was lost during COMMIT, and the outcome of COMMIT is unknown.",
      "Run again: the ledger in schema mcp_cutover tells whether it was committed, and a committed run is not repeated.",
    );
  }
  if (isRaised(error) || (isForeignCode(error) && !isLockError(error) && code !== "57014"))
    return raisedError(error, doing, others);
  // A standby refuses to begin a transaction that may write.
  if (code === "25006") return standbyError();
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
      `Another session kept the table locked while ${doing} (SQLSTATE ${code}); no row was changed.`,
      "Look for long transactions in pg_stat_activity, then run again, or raise [timeouts.lockSeconds].",
    );
  }
  if (code === "57014") {
    return new UserError(
      `A statement took too long while ${doing}; no row was changed.`,
      "Raise [timeouts.statementSeconds], or look for what slows the database down.",
    );
  }
  const text = safeMessage(error);
  if (code === "42501") {
    return new UserError(
      `The database role may not do everything that is needed while ${doing} (${text ?? "SQLSTATE 42501"}); no row was changed.`,
      "Grant it what `mcp-fleet grants` prints, and what the SQL of [row.seed.condition] and [cutover.softReferences] reads; then run again.",
    );
  }
  if (/^[0-9A-Z]{5}$/.test(code)) {
    return new UserError(
      `The database refused while ${doing}: ${text ?? kindOf(code)} (SQLSTATE ${code}); no row was changed.`,
      fixOf(code),
    );
  }
  // The driver's message may hold the connection string, so only its kind is shown.
  const why = code === "" ? reason(error) : code;
  return new UserError(
    `The database connection failed while ${doing} (${why}).`,
    why === refusedTls
      ? "Say how the server's certificate is checked (verify-full, verify-ca, disable): [database.tls] of the stack, or --tls of mcp-fleet init."
      : "Check the connection string.",
  );
}

/** An error that code in the database raised: its SQLSTATE, and the names of the triggers that may have raised it. */
function raisedError(error: unknown, doing: string, others: TableTriggers | undefined): UserError {
  const code = codeOf(error);
  const { where } = error as ServerFields;
  const stack = typeof where === "string" ? where : "";
  const all = others?.triggers ?? [];
  // The stack may quote a statement. Only the known names in it are used.
  const ran = all.filter(({ procedure }) => stack.includes(nameOf(procedure)));
  const [one] = ran;
  const who =
    others === undefined || one === undefined
      ? "a function that a trigger, rule, check or cast of the tables calls"
      : `the trigger ${ran.map(({ name }) => name).join(", ")} of ${others.table}`;
  const unfound = /^42(P01|883|703|704)$|^3F000$/.test(code) && !isRaised(error);
  const path =
    unfound && one !== undefined
      ? ` It may look for a table or function by its bare name, which a run finds in pg_catalog only: alter function ${one.procedure} set search_path = public, pg_temp;`
      : "";
  return new UserError(
    `Code in the database raised an error while ${doing}: ${who} (SQLSTATE ${/^[0-9A-Z]{5}$/.test(code) ? code : "unknown"}); no row was changed.`,
    `Have its owner correct it${one === undefined || others === undefined ? "" : `, or disable it for the run (alter table ${others.table} disable trigger ${one.name};)`}; its message is in the server's log, at application_name mcp-fleet.${path}`,
  );
}

/** `audit` of `public.audit()`. */
function nameOf(procedure: string): string {
  return `${procedure.slice(0, procedure.indexOf("(")).split(".").at(-1) ?? procedure}(`;
}

function kindOf(code: string): string {
  if (code.startsWith("22")) return "a value does not fit its column";
  if (code.startsWith("23")) return "a constraint of a table does not allow it";
  if (code.startsWith("42")) return "a name or a type is not what it was";
  if (code.startsWith("53")) return "the server has no disk space or memory left";
  if (code.startsWith("55")) return "an object is not in the state that is needed";
  return "its message may quote a row, so it is not shown";
}

function fixOf(code: string): string {
  if (code.startsWith("22"))
    return "Compare [set] and [seed] of the rows, and checks and generated columns of the table, with the columns' types.";
  if (code.startsWith("23"))
    return "Compare [set] and [seed] of the rows with the constraint, or have the table's owner lift it for the run.";
  if (code.startsWith("42"))
    return "Check the names in [cutover.table], [cutover.softReferences] and the conditions of seeds; a table outside of [cutover.table.schema] and a function of your own need their schema before them.";
  if (code.startsWith("53")) return "Free disk space or memory on the server, then run again.";
  return "Look the code up in appendix A of PostgreSQL's manual; the server's log has the statement at application_name mcp-fleet. Correct the cause, then run again.";
}

const refusedTls = "TLS was refused";

function reason(error: unknown): string {
  const code = codeOf(error);
  if (code !== "") return code;
  const message = error instanceof Error ? error.message : "";
  if (/timeout/i.test(message)) return "no answer in time";
  if (/terminated|closed|disconnected/i.test(message)) return "connection lost";
  if (/SSL|TLS|certificate/i.test(message)) return refusedTls;
  return "unknown reason";
}
