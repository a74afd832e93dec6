import { referencingTables, withClient } from "./access";

/** One table as text: every row in key order, every value as PostgreSQL prints it. */
type TableSnapshot = readonly Readonly<Record<string, string | null>>[];

/** The rows a cutover may touch, byte for byte. Holds credentials: for comparing, not for showing. */
export interface RowsSnapshot {
  readonly columnType: string;
  readonly servers: TableSnapshot;
  /** By table name: the tables that reference `mcp_servers`. */
  readonly associations: Readonly<Record<string, TableSnapshot>>;
  /** `provider`, `key` and `value` of the settings. */
  readonly settings: TableSnapshot;
}

/** A row as it may be shown: no arguments, no env, no headers. */
export interface DisplayRow {
  readonly key: string;
  readonly type: string;
  readonly transport: string;
  /** The URL without user information and query, or the command's name. */
  readonly endpoint: string;
}

/** Reads all of it in one transaction, so that the tables belong together. */
export function rowsSnapshot(url: string): Promise<RowsSnapshot> {
  return withClient(url, async (db) => {
    await db.query("begin isolation level repeatable read read only");
    const table = async (sql: string): Promise<TableSnapshot> =>
      (await db.query<Record<string, string | null>>(sql)).rows;
    const type = await db.query<{ type: string }>(
      `select format_type(atttypid, atttypmod) as type from pg_attribute
        where attrelid = 'public.mcp_servers'::regclass and attname = 'config_json'`,
    );
    const servers = await table(
      `select id::text, name, server_key, description, config_json::text, server_type,
              created_at::text, updated_at::text
         from public.mcp_servers order by server_key`,
    );
    const associations: Record<string, TableSnapshot> = {};
    for (const name of await referencingTables(db)) {
      const rows = await table(`select t::text as row from ${name} t order by 1`);
      associations[name.replace(/^public\./, "")] = rows;
    }
    const hasSettings = await db.query<{ t: string | null }>(
      "select to_regclass('public.integration_settings')::text as t",
    );
    const settings =
      typeof hasSettings.rows[0]?.t === "string"
        ? await table(
            "select provider, key, value from public.integration_settings order by provider, key",
          )
        : [];
    await db.query("commit");
    return { columnType: type.rows[0]?.type ?? "unknown", servers, associations, settings };
  });
}

/** The server rows of a snapshot, masked: what a table for a reader may hold. */
export function displayRows(snapshot: RowsSnapshot): DisplayRow[] {
  return snapshot.servers.map((row) => ({
    key: row.server_key ?? "",
    type: row.server_type ?? "",
    ...shape(row.config_json ?? ""),
  }));
}

/** Transport and endpoint out of JSON or TOML text, without reading anything else of it. */
function shape(text: string): Pick<DisplayRow, "transport" | "endpoint"> {
  const value = (name: string): string | undefined => {
    const found = new RegExp(
      `(?:^|[\\s{,])"?${name}"?\\s*[:=]\\s*"((?:[^"\\\\]|\\\\.)*)"`,
      "m",
    ).exec(text);
    return found?.[1];
  };
  const url = value("url");
  if (url !== undefined) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    return {
      transport: value("transport") ?? "http",
      endpoint: parsed === undefined ? "(not a URL)" : parsed.origin + parsed.pathname,
    };
  }
  const command = value("command");
  return command === undefined
    ? { transport: "unknown", endpoint: "" }
    : { transport: "stdio", endpoint: command.split("/").at(-1) ?? "" };
}
