import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { parseDocument } from "./document";
import { ident, keyArray } from "./identifiers";
import { keyId, keyName, keyOf, keySet, type KeyValues } from "./keys";
import type { CutoverSpec } from "./spec";
import { columnsAsText, type TableShape } from "./table";

/** One row of the table as text. The document may hold credentials: for comparing, never for showing. */
export interface StoredRow {
  readonly key: KeyValues;
  readonly id: string | null;
  readonly type: string | null;
  readonly config: string | null;
  /** The `set` columns and `updatedAt`, as text. */
  readonly columns: Readonly<Record<string, string | null>>;
}

const defaultMaxRows = 100_000;
const scanBatch = 2000;

/**
 * The application's own rows and every row with one of `keys`, in key order, locked when asked for.
 * @throws UserError above the configured number of rows, or when a key occurs twice
 */
export async function readRows(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  options: {
    readonly keys: readonly KeyValues[];
    readonly columns: readonly string[];
    readonly lock: boolean;
  },
): Promise<Map<string, StoredRow>> {
  const { table } = spec;
  const limit = spec.maxRows ?? defaultMaxRows;
  const type = table.type === undefined ? "null" : `t.${ident(table.type.column)}::text`;
  const own = table.type === undefined ? "" : `${type} = $3 or`;
  const order = table.key.map((column) => `t.${ident(column)}`).join(", ");
  const found = await client.query<StoredRow>(
    `select ${keyArray(table.key, "t")} as key, ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`} as id,
            ${type} as type, t.${ident(table.config)}::text as config, ${columnsAsText(options.columns, "t")} as columns
       from ${shape.name} t
      where ${own} ${keyArray(table.key, "t")} in (
        select array(select jsonb_array_elements_text(k)) from jsonb_array_elements($1::jsonb) k)
      order by ${order} limit $2 ${options.lock ? "for update of t" : ""}`,
    [
      JSON.stringify(options.keys),
      limit + 1,
      ...(table.type === undefined ? [] : [table.type.value]),
    ],
  );
  if (found.rows.length > limit) {
    throw new UserError(
      `The table has more than ${limit} rows that the cutover would look at.`,
      "Raise [cutover.maxRows] once you know how long their locks may be held.",
    );
  }
  const rows = new Map<string, StoredRow>();
  for (const row of found.rows) {
    const id = keyId(row.key);
    if (rows.has(id)) {
      throw new UserError(
        `The key ${keyName(row.key)} occurs twice in ${table.schema}.${table.table}.`,
        "Name columns in [cutover.table.key] that identify a row.",
      );
    }
    rows.set(id, row);
  }
  return rows;
}

/** Whether a row is the application's own. Without a type column every row of the spec is. */
export function isOwn(spec: CutoverSpec, row: StoredRow): boolean {
  return spec.table.type === undefined || row.type === spec.table.type.value;
}

/**
 * Refuses when any row is not a document: a single one, even of a user's own server, stops the application when
 * it converts the column.
 */
export async function checkDocuments(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
): Promise<void> {
  const skip = keySet(spec.skip);
  const bad = (await malformedKeys(client, spec, shape)).filter((key) => !skip.has(keyId(key)));
  if (bad.length === 0) return;
  const names = bad.slice(0, 20).map(keyName).join(", ");
  const more = bad.length > 20 ? ` and ${bad.length - 20} more` : "";
  const form = shape.configType === "text" ? "a JSON object nor TOML" : "a JSON object";
  throw new UserError(
    `${bad.length === 1 ? "The document of the row" : "The documents of the rows"} ${names}${more} in ${spec.table.schema}.${spec.table.table} ${bad.length === 1 ? "is" : "are"} ${shape.configType === "text" ? "neither" : "not"} ${form}.`,
    "Repair or delete them, or list their keys in [cutover.skip] to leave them alone.",
  );
}

async function malformedKeys(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
): Promise<KeyValues[]> {
  const { table } = spec;
  const key = keyArray(table.key, "t");
  const config = `t.${ident(table.config)}`;
  if (shape.configType !== "text") {
    const kind = shape.configType === "json" ? "json_typeof" : "jsonb_typeof";
    const found = await client.query<{ key: KeyValues }>(
      `select ${key} as key from ${shape.name} t where ${kind}(${config}) is distinct from 'object' order by 1 limit 1000`,
    );
    return found.rows.map((row) => row.key);
  }
  const bad: KeyValues[] = [];
  await client.query(
    `declare mcp_cutover_documents no scroll cursor for select ${key} as key, ${config} as config from ${shape.name} t`,
  );
  for (;;) {
    const batch = await client.query<{ key: KeyValues; config: string | null }>(
      `fetch ${scanBatch} from mcp_cutover_documents`,
    );
    for (const row of batch.rows) {
      if (parseDocument(row.key, row.config) === undefined) bad.push(row.key);
    }
    if (batch.rows.length < scanBatch || bad.length >= 1000) break;
  }
  await client.query("close mcp_cutover_documents");
  return bad.sort((a, b) => (keyName(a) < keyName(b) ? -1 : 1));
}

/** Every key the configuration names. */
export function namedKeys(spec: CutoverSpec): KeyValues[] {
  return spec.rows.flatMap((row) => [keyOf(row.key), ...(row.aliases ?? []).map(keyOf)]);
}
