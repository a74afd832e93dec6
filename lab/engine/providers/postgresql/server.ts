import { messageOf, UserError } from "@mcp-fleet/errors";
import { Client, DatabaseError } from "pg";

import type { Settings } from "./settings";

const statementSeconds = 30;
const noSuchDatabase = "3D000";

/** The PostgreSQL server of one provider. */
export class Server {
  /** @param settings read at each use: a provider is configured after its types are created */
  constructor(private readonly settings: () => Settings) {}

  /** The database in which roles are created. */
  get database(): string {
    return this.settings().database;
  }

  /**
   * Runs `work` in one transaction. This plugin's transactions run one after another: of two concurrent grants
   * on one object PostgreSQL fails one.
   *
   * @throws UserError with PostgreSQL's message, without a password
   */
  transaction<T>(database: string, work: (db: Client) => Promise<T>): Promise<T> {
    return this.connected(database, async (db) => {
      await db.query("BEGIN");
      await db.query("SELECT pg_advisory_xact_lock(hashtext('mcp-fleet lab postgresql'))");
      const result = await work(db);
      await db.query("COMMIT");
      return result;
    });
  }

  /** Runs `work` on a new connection. */
  async connected<T>(database: string, work: (db: Client) => Promise<T>): Promise<T> {
    const { host, port, user, password, ssl, connectSeconds } = this.settings();
    const db = new Client({
      ...{ host, port, user, password, ssl, database },
      connectionTimeoutMillis: connectSeconds * 1000,
      statement_timeout: statementSeconds * 1000,
      application_name: "mcp-fleet lab",
    });
    // The running query reports the error.
    db.on("error", () => undefined);
    try {
      await db.connect();
    } catch (error) {
      throw new UserError(
        `PostgreSQL at ${host}:${port} cannot be reached: ${this.clean(error)}.`,
        "Start it, or correct host, port, database, username and password of the postgresql provider.",
        { cause: error },
      );
    }
    try {
      return await work(db);
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(
        `PostgreSQL says: ${this.clean(error)}.`,
        "Correct that in the program or in the database, then run the update again.",
        { cause: error },
      );
    } finally {
      await db.end().catch(() => undefined);
    }
  }

  private clean(error: unknown): string {
    const { password } = this.settings();
    const text = messageOf(error);
    const code = error instanceof DatabaseError ? ` (SQLSTATE ${error.code})` : "";
    const said =
      password === undefined || password === "" ? text : text.replaceAll(password, "***");
    return `${said}${code}`;
  }
}

/** The result of work in a database; undefined if there is no such database. */
export async function unlessGone<T>(done: Promise<T>): Promise<T | undefined> {
  try {
    return await done;
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    if (cause instanceof DatabaseError && cause.code === noSuchDatabase) return undefined;
    throw error;
  }
}

/**
 * Runs `work` as a member of a role, which a user who is not a superuser needs to change its objects. A missing
 * membership is granted for the duration of the work, so this requires a transaction.
 */
export async function asMemberOf<T>(db: Client, role: string, work: () => Promise<T>): Promise<T> {
  const { rows } = await db.query<{ is: boolean }>(
    "SELECT pg_has_role(CURRENT_USER, oid, 'USAGE') AS is FROM pg_roles WHERE rolname = $1",
    [role],
  );
  if (rows[0]?.is !== false) return work();
  const name = db.escapeIdentifier(role);
  await db.query(`GRANT ${name} TO CURRENT_USER`);
  const result = await work();
  // The role may no longer exist.
  if (await roleExists(db, role)) await db.query(`REVOKE ${name} FROM CURRENT_USER`);
  return result;
}

export async function roleExists(db: Client, name: string): Promise<boolean> {
  return (await db.query("SELECT FROM pg_roles WHERE rolname = $1", [name])).rowCount === 1;
}
