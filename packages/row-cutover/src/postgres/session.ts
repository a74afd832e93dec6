import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "pg";

import type { CutoverSpec, Db } from "../decide/spec";
import {
  codeOf,
  CommitUnknown,
  isConnectionError,
  isLockError,
  PlanOutdated,
  type TableTriggers,
} from "./errors";
import { answerSeconds, type Limits, type Mode, withTransaction } from "./transaction";
import { connectDenied, toUserError } from "./user-error";

const connectSeconds = 5;

/** How long to wait for the locks of a lost connection, in seconds. */
const resolveLockSeconds = 30;

/** The limits that the configuration sets. @param longestWait caps the wait for locks, in seconds */
export function limitsOf(
  { timeouts }: Pick<CutoverSpec, "timeouts">,
  longestWait = Infinity,
): Limits {
  return {
    lockSeconds: Math.min(timeouts?.lockSeconds ?? 5, longestWait),
    statementSeconds: timeouts?.statementSeconds ?? 60,
  };
}

/** How one piece of work reaches the database. */
export interface SessionOptions<T> {
  readonly db: Db;
  /** For `application_name`, such as `drift mcp-fleet/prod`. */
  readonly name: string;
  readonly limits: Limits;
  readonly mode: Mode;
  /** How often it is tried in all, where another try can help: locks, and lost connections. @default 1 */
  readonly attempts?: number;
  /** For error messages, such as `planning the rows`. */
  readonly doing: string;
  /**
   * Called on a new connection before another attempt, when the outcome of COMMIT is unknown.
   * @param result what the work had returned
   * @returns the result to answer with when it was committed; undefined when it was not
   */
  readonly resolve?: (client: Client, result: T) => Promise<T | undefined>;
}

/** What the work may use beside its connection. */
export interface Attempt {
  /** Whether an earlier attempt lost its connection, so that its locks may still be held. */
  readonly reconnected: boolean;
  /** Names the triggers to blame when code of the table's owner raises an error from now on. */
  readonly blame: (code: TableTriggers) => void;
}

/**
 * Runs `work` in one transaction on a connection of its own: the only way to the database in this package.
 * @throws UserError for every failure, with no value of a row and no connection string in it
 */
export async function session<T>(
  options: SessionOptions<T>,
  work: (client: Client, attempt: Attempt) => Promise<T>,
): Promise<T> {
  const { db, name, limits, mode, attempts = 1, doing, resolve } = options;
  let pending: { readonly result: T } | undefined;
  let reconnected = false;
  let others: TableTriggers | undefined;
  const blame = (code: TableTriggers): void => {
    others = code;
  };
  const attempt = async (): Promise<T> => {
    // An earlier attempt may have been committed although its answer was lost.
    if (pending !== undefined && resolve !== undefined) {
      const { result } = pending;
      const patient = { ...limits, lockSeconds: resolveLockSeconds };
      const done = await withClient(db, `resolve ${name}`, patient, (client) =>
        withTransaction(client, patient, "read write", () => resolve(client, result)),
      );
      if (done !== undefined) return done;
      pending = undefined;
    }
    return withClient(db, name, limits, async (client) => {
      try {
        return await withTransaction(client, limits, mode, async () => {
          const result = await work(client, { reconnected, blame });
          if (resolve !== undefined) pending = { result };
          return result;
        });
      } catch (error) {
        if (!(error instanceof CommitUnknown)) pending = undefined;
        reconnected ||= isConnectionError(error) || error instanceof CommitUnknown;
        throw error;
      }
    });
  };
  try {
    return await retrying(attempts, attempt);
  } catch (error) {
    // The connection is gone, and with it the answer to COMMIT: its outcome is unknown.
    const unknown = pending !== undefined && isConnectionError(error);
    throw toUserError(unknown ? new CommitUnknown() : error, doing, others);
  }
}

/** Opens a connection for `use` and closes it in any case. */
async function withClient<T>(
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
    // Statements that do not depend on each other are sent together.
    pipeline: true,
    application_name: `mcp-fleet ${name}`.slice(0, 63),
  });
  // The query in flight reports the error; without a listener it would end the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    if (codeOf(error) !== "42501") throw error;
    throw connectDenied(client.user ?? "", client.database ?? "");
  }
  try {
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Retries, with growing pauses, after errors that another attempt may avoid. Throws all others at once. */
async function retrying<T>(attempts: number, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const again =
        isLockError(error) ||
        isConnectionError(error) ||
        error instanceof CommitUnknown ||
        error instanceof PlanOutdated;
      if (!again || attempt >= attempts) throw error;
      await sleep(Math.min(200 * 2 ** (attempt - 1), 3000) * (0.5 + Math.random()));
    }
  }
}
