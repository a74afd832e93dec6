import type { Client, QueryResult } from "pg";

import { codeOf, CommitUnknown, EngineError, isConnectionError } from "./errors";
import { standbyError } from "./user-error";

/** On top of a statement's own limit, for a network that swallows answers. */
export const answerSeconds = 15;

/** An upper limit: joins of many rows go in the order of the table when they fit into it, in half the time. */
const joinMemoryKb = 131_072;

/** Limits of one transaction, in seconds. */
export interface Limits {
  readonly lockSeconds: number;
  readonly statementSeconds: number;
}

/** What a transaction may do. A read-only one sees one snapshot of the database from its first statement on. */
export type Mode = "read only" | "read write";

/**
 * Runs `work` in a transaction with our limits and settings, and rolls back when it throws. All settings are local to
 * the transaction, so a pooler in transaction mode is no obstacle.
 * @throws CommitUnknown when the connection broke during COMMIT
 */
export async function withTransaction<T>(
  client: Client,
  limits: Limits,
  mode: Mode,
  work: () => Promise<T>,
): Promise<T> {
  const isolation =
    mode === "read only" ? "repeatable read read only" : "read committed read write";
  await begin(client, isolation, limits);
  let done: T;
  try {
    await raiseLimits(client);
    done = await work();
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
  let answer: QueryResult;
  try {
    answer = await client.query("commit");
  } catch (error) {
    if (isConnectionError(error)) throw new CommitUnknown("no answer to COMMIT");
    throw error;
  }
  if (answer.command !== "COMMIT")
    throw new EngineError("the transaction was rolled back by the server");
  return done;
}

/** How values are converted to text, in the journal and wherever they are compared with it. Values as in SET. */
export const textSettings: Readonly<Record<string, string>> = {
  timezone: "'UTC'",
  datestyle: "'ISO, MDY'",
  intervalstyle: "'postgres'",
  lc_monetary: "'C'",
  extra_float_digits: "1",
  bytea_output: "'hex'",
};

/**
 * The settings that a statement's meaning depends on, so that those of the database or of the role have no effect.
 * The search path has `pg_catalog` first: an unqualified name is the server's own, whatever objects others have made.
 * `pg_temp` is named so that it comes last. Only our own numbers are put into this text.
 */
function pinned({ lockSeconds, statementSeconds }: Limits): string {
  const ms = (seconds: number): string => `'${Math.round(seconds * 1000)}ms'`;
  const settings = {
    // Otherwise `current_setting('search_path')` would return the names quoted.
    quote_all_identifiers: "off",
    search_path: "pg_catalog, pg_temp",
    lock_timeout: ms(lockSeconds),
    statement_timeout: ms(statementSeconds),
    idle_in_transaction_session_timeout: ms(statementSeconds + answerSeconds),
    standard_conforming_strings: "on",
    transform_null_equals: "off",
    array_nulls: "on",
    xmloption: "content",
    ...textSettings,
  };
  return Object.entries(settings)
    .map(([name, value]) => `set local ${name} = ${value}`)
    .join("; ");
}

/** Begins and pins the settings in one message. @throws UserError on a standby, whatever the server's language is */
async function begin(client: Client, isolation: string, limits: Limits): Promise<void> {
  try {
    await client.query(`begin isolation level ${isolation}; ${pinned(limits)}`);
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw codeOf(error) === "0A000" ? standbyError() : error;
  }
}

/**
 * Gives joins more memory, lifts the limit of a whole transaction (PostgreSQL 17 and newer) and makes COMMIT wait for
 * the disk: the application is rolled out as soon as COMMIT was answered.
 * @throws EngineError when the search path is not the one that was set
 */
async function raiseLimits(client: Client): Promise<void> {
  const set = await client.query<{ path: string }>(
    `select current_setting('search_path') as path,
            set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024, ${joinMemoryKb})::text || 'kB', true),
            case when current_setting('transaction_timeout', true) is not null
              then set_config('transaction_timeout', '0', true) end,
            case when current_setting('synchronous_commit') = 'off'
              then set_config('synchronous_commit', 'local', true) end`,
  );
  const path = set.rows[0]?.path;
  if (path !== "pg_catalog, pg_temp")
    throw new EngineError("names would be looked up in schemas of others");
}
