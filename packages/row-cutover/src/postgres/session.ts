import { setTimeout as sleep } from "node:timers/promises";

import { Client, type QueryResult } from "pg";

import type { CutoverSpec, Db } from "../spec";
import {
  codeOf,
  CommitUnknown,
  EngineError,
  isConnectionError,
  isLockError,
  mayNotConnect,
  RowsMoved,
  standbyError,
} from "./errors";

const connectSeconds = 5;
/** On top of a statement's own limit, for a network that swallows answers. */
const answerSeconds = 15;
/** A limit, not a need: joins of many rows go in the order of the table when they fit into it, in half the time. */
const joinMemoryKb = 131_072;

/** Limits of one transaction, in seconds. */
export interface Limits {
  readonly lockSeconds: number;
  readonly statementSeconds: number;
}

export function limitsOf(spec: Pick<CutoverSpec, "timeouts">): Limits {
  return {
    lockSeconds: spec.timeouts?.lockSeconds ?? 5,
    statementSeconds: spec.timeouts?.statementSeconds ?? 60,
  };
}

/** Opens a connection of its own for `use` and closes it, whatever happens. */
export async function withClient<T>(
  db: Db,
  name: string,
  limits: Limits,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    connectionString: db.connectionString,
    ...(db.ssl === undefined ? {} : { ssl: db.ssl }),
    connectionTimeoutMillis: connectSeconds * 1000,
    query_timeout: (limits.statementSeconds + limits.lockSeconds + answerSeconds) * 1000,
    keepAlive: true,
    // Statements that do not wait for each other go out together.
    pipeline: true,
    application_name: `mcp-fleet ${name}`.slice(0, 63),
  });
  // The query in flight reports it; without a listener it would end the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    if (codeOf(error) !== "42501") throw error;
    throw mayNotConnect(client.user ?? "", client.database ?? "");
  }
  try {
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Runs `work` in a transaction with limits and settings of ours, and rolls back when it throws. Settings are
 * transaction-local, so a pooler that hands connections around between transactions does no harm.
 * @throws CommitUnknown when the connection broke during COMMIT
 */
export async function withTransaction<T>(
  client: Client,
  limits: Limits,
  mode: "read only" | "read write",
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

/** How values read as text, in the journal and wherever they are compared with it. As in SET. */
export const textSettings: Readonly<Record<string, string>> = {
  timezone: "'UTC'",
  datestyle: "'ISO, MDY'",
  intervalstyle: "'postgres'",
  lc_monetary: "'C'",
  extra_float_digits: "1",
  bytea_output: "'hex'",
};

/**
 * What a statement means must not depend on settings of the database or of the role. First of all where names are
 * looked up: a name that is not qualified is the server's own, whatever others may have put before it. `pg_temp` is
 * named so that it comes last. Only numbers of ours are put into this text.
 */
function pinned({ lockSeconds, statementSeconds }: Limits): string {
  const ms = (seconds: number): string => `'${Math.round(seconds * 1000)}ms'`;
  const settings = {
    // Else the path would read differently.
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

/** Begins and pins the settings in one message. @throws UserError on a standby, in whatever language it says so */
async function begin(client: Client, isolation: string, limits: Limits): Promise<void> {
  try {
    await client.query(`begin isolation level ${isolation}; ${pinned(limits)}`);
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw codeOf(error) === "0A000" ? standbyError() : error;
  }
}

/**
 * More memory for joins, no limit of a whole transaction, which PostgreSQL has from 17 on, and a COMMIT that is on the
 * disk before it is answered: the application is rolled out on its word.
 * @throws EngineError when names would be looked up elsewhere after all
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

/**
 * Tries again, a few times and ever more slowly, where another try can help: locks held by somebody else, and
 * connections. Everything else is thrown at once.
 */
export async function retrying<T>(attempts: number, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const again =
        isLockError(error) ||
        isConnectionError(error) ||
        error instanceof CommitUnknown ||
        error instanceof RowsMoved;
      if (!again || attempt >= attempts) throw error;
      await sleep(Math.min(200 * 2 ** (attempt - 1), 3000) * (0.5 + Math.random()));
    }
  }
}
