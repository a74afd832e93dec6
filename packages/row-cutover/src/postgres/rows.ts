import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { longestDocument } from "../decide/document";
import { keyId, keyName, type KeyValues } from "../decide/keys";
import { entryColumns } from "../decide/layout";
import type { StoredRow } from "../decide/rows";
import type { CutoverSpec } from "../decide/spec";
import { columnsAsText } from "./columns";
import { ident, isAmong, jsonLiteral, keyArray, literal } from "./identifiers";
import type { TableShape } from "./table";

const defaultMaxRows = 100_000;

/** A `StoredRow` of a row `t`. */
export function storedColumns(
  spec: CutoverSpec,
  shape: TableShape,
  columns: readonly string[],
): string {
  const { table } = spec;
  const type = table.type === undefined ? "null" : `t.${ident(table.type.column)}::text`;
  return `${keyArray(table.key, "t")} as key, ${keyArray(entryColumns(table), "t")} as match,
    jsonb_build_object('part', t.tableoid::text, 'tid', t.ctid::text) as at,
    ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`} as id, ${type} as type,
    left(t.${ident(shape.spec.config)}::text, ${readCharacters}) as config, ${columnsAsText(columns, "t")} as columns`;
}

/** Characters that are read of a document: the longest one, with room for our URL and headers. */
const readCharacters = longestDocument + 65_536;

/** Whether a row `t` is the application's own, in SQL. */
export function isOwnSql({ table }: CutoverSpec): string {
  return table.type === undefined
    ? "true"
    : `t.${ident(table.type.column)}::text = ${literal(table.type.value)}`;
}

/** Whether a row `t` has one of `keys`, in SQL. */
export function hasOneOfSql({ table }: CutoverSpec, keys: readonly KeyValues[]): string {
  return isAmong(keyArray(table.key, "t"), jsonLiteral(keys));
}

/** @throws UserError above the configured number of rows, before anything is locked */
export function checkSize(spec: CutoverSpec, rows: number): void {
  const limit = spec.maxRows ?? defaultMaxRows;
  if (rows <= limit) return;
  throw new UserError(
    `The table has more than ${limit} rows that the cutover would look at.`,
    "Raise [cutover.maxRows] once you know how long their locks may be held.",
  );
}

/**
 * The application's own rows and every row with one of `keys`, in key order.
 * @throws UserError above the configured number of rows, or when a key occurs twice
 */
export async function readRows(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  options: { readonly keys: readonly KeyValues[]; readonly columns: readonly string[] },
): Promise<Map<string, StoredRow>> {
  const { table } = spec;
  const limit = spec.maxRows ?? defaultMaxRows;
  const own = table.type === undefined ? "" : `${isOwnSql(spec)} or`;
  const order = table.key.map((column) => `t.${ident(column)}`).join(", ");
  const found = await client.query<StoredRow>(
    `select ${storedColumns(spec, shape, options.columns)}
       from ${shape.rows} t
      where ${own} ${hasOneOfSql(spec, options.keys)}
      order by ${order} limit $1`,
    [limit + 1],
  );
  checkSize(spec, found.rows.length);
  const rows = new Map<string, StoredRow>();
  for (const row of found.rows) {
    const id = keyId(row.key);
    if (rows.has(id)) {
      throw new UserError(
        `The key ${keyName(row.key)} occurs twice in ${table.schema}.${table.table}.`,
        "Name columns in [cutover.table.key] that identify a row, or one in [cutover.table.match] where a server has many rows.",
      );
    }
    rows.set(id, row);
  }
  return rows;
}

/** The server's key in a row `t` of a table with a row for each tenant. */
export function serverColumnSql({ table }: CutoverSpec): string {
  return `t.${ident(entryColumns(table)[0] ?? "")}::text`;
}
