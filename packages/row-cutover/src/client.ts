import { setTimeout as sleep } from "node:timers/promises";

import { Client, type QueryResult } from "pg";

import { CommitUnknown, EngineError, isConnectionError, isLockError, RowsMoved } from "./errors";
import type { CutoverSpec, Db } from "./spec";

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
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Runs `work` in a transaction with limits, and rolls back when it throws. Settings are transaction-local, so a
 * pooler that hands connections around between transactions does no harm.
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
  await client.query(`begin isolation level ${isolation}`);
  let done: T;
  try {
    await client.query(
      `select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true),
              set_config('idle_in_transaction_session_timeout', $3, true),
              set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, MDY', true),
              set_config('intervalstyle', 'postgres', true), set_config('extra_float_digits', '1', true),
              set_config('bytea_output', 'hex', true),
              set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024, ${joinMemoryKb})::text || 'kB', true)`,
      [
        `${Math.round(limits.lockSeconds * 1000)}ms`,
        `${Math.round(limits.statementSeconds * 1000)}ms`,
        `${Math.round((limits.statementSeconds + answerSeconds) * 1000)}ms`,
      ],
    );
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
