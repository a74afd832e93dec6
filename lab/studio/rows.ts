import { setTimeout as sleep } from "node:timers/promises";

import { messageOf, UserError } from "@mcp-fleet/errors";
import type { Pool, PoolClient } from "pg";
import { z } from "zod";

import { type ColumnType, columnTypeOf, parseDocument } from "./documents";
import type { DesiredRow, PayloadContext, ServerDocument, Settings } from "./payloads";
import { desiredRows, legacyAtlassianKey, optionalKeys, tomlText } from "./payloads";

/** One row of `mcp_servers`. The document may hold credentials: only its shape is ever shown. */
export interface StoredRow {
  readonly id: number;
  readonly name: string;
  readonly key: string;
  readonly type: string;
  readonly description: string | null;
  readonly text: string;
  readonly updatedAt: Date;
}

/** The result of one sync. `held` counts rows that the database kept unchanged although a write was sent. */
export interface SyncSummary {
  readonly created: number;
  readonly updated: number;
  readonly held: number;
}

const documentSchema = z.looseObject({
  command: z.string().optional(),
  args: z.array(z.string()).optional(),
  env: z.record(z.string(), z.string()).optional(),
  url: z.string().optional(),
  transport: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
});

/** Two pods that insert the same missing row at once, serialization failure, deadlock. */
const retryable = new Set(["23505", "40001", "40P01"]);

/**
 * Waits until the database answers and has the application's table.
 *
 * @throws UserError when it does not within `seconds`. Neither sentence holds the DSN.
 */
export async function waitForTable(
  pool: Pool,
  seconds: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    let problem: string;
    try {
      const found = await pool.query<{ table: string | null }>(
        "select to_regclass('mcp_servers')::text as table",
      );
      if (typeof found.rows[0]?.table === "string") return;
      problem = "it has no table mcp_servers";
    } catch (error) {
      problem = messageOf(error);
    }
    if (Date.now() > deadline) {
      throw new UserError(
        `The database of DATABASE_URL was not usable within ${seconds} seconds: ${problem}.`,
        "Check that it is up, that the password is right and that the application's schema is there.",
      );
    }
    await sleep(500, undefined, { signal });
  }
}

/** All rows, integrated and custom, in key order. */
export async function readRows(db: Pool | PoolClient): Promise<StoredRow[]> {
  const found = await db.query<StoredRow>(
    `select id, name, server_key as key, server_type as type, description,
            config_json::text as text, updated_at as "updatedAt"
       from mcp_servers order by server_key`,
  );
  return found.rows;
}

/**
 * A row's document, from JSON or TOML, unwrapped.
 *
 * @throws Error that names the key and never the content.
 */
export function documentOf(row: Pick<StoredRow, "key" | "text">): ServerDocument {
  const parsed = documentSchema.safeParse(parseDocument(row.key, row.text));
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new Error(`the row ${row.key} is not a server configuration (at ${where})`);
}

/**
 * Writes the integrated rows as this mode needs them, like the real application at boot and on ordinary
 * requests: it compares the whole document and writes only rows that differ.
 *
 * @throws Error like the switched application's when it would delete a row.
 */
export async function syncRows(pool: Pool, context: PayloadContext): Promise<SyncSummary> {
  for (let attempt = 1; ; attempt += 1) {
    const client = await pool.connect();
    try {
      await client.query("begin");
      const summary = await syncInTransaction(client, context);
      await client.query("commit");
      return summary;
    } catch (error) {
      await client.query("rollback").catch(() => undefined);
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (attempt >= 3 || !retryable.has(code)) throw error;
    } finally {
      client.release();
    }
  }
}

async function syncInTransaction(db: PoolClient, context: PayloadContext): Promise<SyncSummary> {
  const type = await columnTypeOf(db);
  const desired = desiredRows(context, await readSettings(db));
  const existing = new Map((await readRows(db)).map((row) => [row.key, row]));
  refuseDeletes(context, desired, existing);

  const counts = { created: 0, updated: 0, held: 0 };
  for (const [wantedKey, wanted] of desired) {
    const legacy = wantedKey === "atlassian" ? existing.get(legacyAtlassianKey) : undefined;
    const row = existing.get(wantedKey) ?? legacy;
    if (row === undefined) {
      await insertRow(db, type, wantedKey, wanted);
      counts.created += 1;
      continue;
    }
    // The embedded application represents older installations, which still use the legacy key.
    const key = context.mode === "embedded" ? row.key : wantedKey;
    const outcome = await updateRow(db, type, row, key, wanted);
    if (outcome !== "unchanged") counts[outcome] += 1;
  }
  return counts;
}

/**
 * Deleting an integrated row uses an attribute that the switched application's model no longer has, so its boot
 * fails.
 */
function refuseDeletes(
  context: PayloadContext,
  desired: ReadonlyMap<string, DesiredRow>,
  existing: ReadonlyMap<string, StoredRow>,
): void {
  if (context.mode === "embedded") return;
  const both = existing.has(legacyAtlassianKey) && existing.has("atlassian");
  const unwanted = optionalKeys.find((key) => existing.has(key) && !desired.has(key));
  const key = both ? legacyAtlassianKey : unwanted;
  if (key === undefined) return;
  throw new Error(
    `'MCPServer' object has no attribute 'agents' (while deleting the integrated row ${key})`,
  );
}

async function readSettings(db: PoolClient): Promise<Settings> {
  const found = await db.query<{ provider: string; key: string; value: string | null }>(
    "select provider, key, value from integration_settings",
  );
  const settings = new Map<string, Map<string, string>>();
  for (const { provider, key, value } of found.rows) {
    const own = settings.get(provider) ?? new Map<string, string>();
    settings.set(provider, own.set(key, value ?? ""));
  }
  return settings;
}

function stored(type: ColumnType, key: string, document: ServerDocument): string {
  // The switched application writes JSON whatever the column is; only the older one writes TOML.
  if (type === "text" && document.url === undefined) return tomlText(key, document);
  return JSON.stringify(document);
}

async function insertRow(
  db: PoolClient,
  type: ColumnType,
  key: string,
  wanted: DesiredRow,
): Promise<void> {
  await db.query(
    `insert into mcp_servers (name, server_key, description, config_json, server_type, created_at, updated_at)
     values ($1, $2, $3, $4::${type}, 'integrated', now(), now())`,
    [wanted.name, key, wanted.description, stored(type, key, wanted.document)],
  );
}

async function updateRow(
  db: PoolClient,
  type: ColumnType,
  row: StoredRow,
  key: string,
  wanted: DesiredRow,
): Promise<"unchanged" | "updated" | "held"> {
  const text = stored(type, key, wanted.document);
  const set: string[] = [];
  const values: unknown[] = [row.id];
  const change = (column: string, value: string, cast = ""): void => {
    values.push(value);
    set.push(`${column} = $${values.length}${cast}`);
  };
  if (row.key !== key) change("server_key", key);
  if (row.name !== wanted.name) change("name", wanted.name);
  if (row.description !== wanted.description) change("description", wanted.description);
  if (row.type !== "integrated") change("server_type", "integrated");
  if (!(await sameDocument(db, type, row.text, text))) {
    change("config_json", text, `::${type}`);
  }
  if (set.length === 0) return "unchanged";
  const result = await db.query<{ text: string; key: string }>(
    `update mcp_servers set ${set.join(", ")}, updated_at = now() where id = $1
     returning config_json::text as text, server_key as key`,
    values,
  );
  const after = result.rows[0];
  const kept =
    after === undefined || after.key !== key || !(await sameDocument(db, type, after.text, text));
  return kept ? "held" : "updated";
}

/** PostgreSQL compares, so that key order and number spelling in a jsonb do not count as a difference. */
async function sameDocument(
  db: PoolClient,
  type: ColumnType,
  left: string,
  right: string,
): Promise<boolean> {
  if (type === "text" || left === right) return left.trim() === right.trim();
  const result = await db.query<{ same: boolean }>("select $1::jsonb = $2::jsonb as same", [
    left,
    right,
  ]);
  return result.rows[0]?.same === true;
}
