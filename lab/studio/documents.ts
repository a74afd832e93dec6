import { UserError } from "@mcp-fleet/errors";
import pg, { type Pool, type PoolClient } from "pg";
import { parse as parseToml } from "smol-toml";

/** The type of the documents' column: text in the older schema, jsonb in the newer one. */
export type ColumnType = "text" | "jsonb";

/** The column's current type. It can change under a running process. */
export async function columnTypeOf(db: Pool | PoolClient): Promise<ColumnType> {
  const found = await db.query<{ type: string }>(
    `select format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = 'mcp_servers'::regclass and attname = 'config_json' and not attisdropped`,
  );
  return found.rows[0]?.type === "text" ? "text" : "jsonb";
}

/**
 * A stored document: a JSON object, or TOML with one `[mcp_servers.<key>]` table. Wrapped forms are unwrapped.
 *
 * @throws Error that names the key and never the content.
 */
export function parseDocument(key: string, text: string): unknown {
  return unwrap(key, parseText(key, text));
}

/**
 * Turns a text column into jsonb, as the switched application does at its start. Nothing is left
 * half done: one row that is neither JSON nor TOML stops it, and the boot with it.
 *
 * @returns whether the column was converted by this call.
 */
export async function convertColumn(pool: Pool): Promise<boolean> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("set local statement_timeout = '60s'");
    await client.query("lock table mcp_servers in access exclusive mode");
    // Another pod may have converted it while this one waited for the lock.
    if ((await columnTypeOf(client)) !== "text") {
      await client.query("rollback");
      return false;
    }
    const rows = await client.query<{ id: number; key: string; text: string }>(
      "select id, server_key as key, config_json as text from mcp_servers order by id",
    );
    await client.query(
      `alter table mcp_servers alter column config_json type jsonb using ${conversion(rows.rows)}`,
    );
    await client.query("commit");
    return true;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

/** One expression for all rows: an UPDATE beforehand would run triggers, which the type change does not. */
function conversion(rows: readonly { id: number; key: string; text: string }[]): string {
  const cases = rows.map(({ id, key, text }) => `when ${id} then ${converted(key, text)}`);
  return cases.length === 0
    ? "config_json::jsonb"
    : `case id ${cases.join(" ")} else config_json::jsonb end`;
}

function converted(key: string, text: string): string {
  if (!isJson(text)) {
    const document = unwrap(key, parseText(key, text));
    return `${pg.escapeLiteral(jsonText(document))}::jsonb`;
  }
  // JSON stays in SQL: a number too big for JavaScript must not change on the way.
  return isWrapped(JSON.parse(text), key)
    ? `config_json::jsonb -> 'mcp_servers' -> ${pg.escapeLiteral(key)}`
    : "config_json::jsonb";
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function parseText(key: string, text: string): unknown {
  if (isJson(text)) return JSON.parse(text);
  try {
    return parseToml(text, { integersAsBigInt: "asNeeded" });
  } catch {
    // The parser's message quotes the row, which may hold a credential.
    throw new UserError(
      `The row ${key} of mcp_servers is neither JSON nor TOML.`,
      "Repair its config_json, or delete the row.",
    );
  }
}

function isWrapped(value: unknown, key: string): value is { mcp_servers: Record<string, unknown> } {
  if (typeof value !== "object" || value === null || !("mcp_servers" in value)) return false;
  const servers = value.mcp_servers;
  return typeof servers === "object" && servers !== null && key in servers;
}

function unwrap(key: string, value: unknown): unknown {
  return isWrapped(value, key) ? value.mcp_servers[key] : value;
}

/** JSON with big integers as plain digits. */
function jsonText(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (value instanceof Date) return JSON.stringify(value);
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${jsonText(v)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}
