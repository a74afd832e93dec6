import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { TableSpec } from "../decide/spec";
import { ident, literal } from "./identifiers";

/** One column as the catalog has it now. */
export interface Column {
  /** Its name, quoted. */
  readonly sql: string;
  /** For casts, such as `character varying(255)`. */
  readonly type: string;
  /** Computed by the database, so never written. */
  readonly generated: boolean;
  /** Whether this role may read it. */
  readonly readable: boolean;
}

/** The columns of the configured table. */
export interface TableColumns {
  readonly spec: TableSpec;
  readonly columns: ReadonlyMap<string, Column>;
}

/** A column that the configuration names. @throws UserError when the table has none of that name */
export function columnOf(shape: TableColumns, name: string): Column {
  const column = shape.columns.get(name);
  if (column !== undefined) return column;
  throw new UserError(
    `The table ${shape.spec.schema}.${shape.spec.table} has no column ${JSON.stringify(name)}; it has ${[...shape.columns.keys()].join(", ")}.`,
    "Check the column names in [cutover.table] and in the [set] and [seed] of the rows.",
  );
}

/** Reads the columns of any table by its oid. */
export async function readColumns(client: Client, oid: string): Promise<Map<string, Column>> {
  const found = await client.query<Column & { name: string }>(
    `select attname as name, quote_ident(attname) as sql, format_type(atttypid, atttypmod) as type, attgenerated <> '' as generated,
            has_column_privilege(attrelid, attnum, 'select') as readable
       from pg_attribute where attrelid = $1::oid and attnum > 0 and not attisdropped order by attnum`,
    [oid],
  );
  return new Map(found.rows.map(({ name, ...column }) => [name, column]));
}

/** A JSON object of columns as text: exact for every type. */
export function columnsAsText(columns: readonly string[], alias: string): string {
  if (columns.length === 0) return "'{}'::jsonb";
  const members = columns.map((name) => `${literal(name)}, ${alias}.${ident(name)}::text`);
  return `jsonb_build_object(${members.join(", ")})`;
}

/** The transaction's time as the `updatedAt` column has it. */
export function timeNow(shape: TableColumns, column: string): string {
  const { type } = columnOf(shape, column);
  if (!counts(type)) return `now()::${type}`;
  const factor = shape.spec.updatedAtUnit === "milliseconds" ? 1000 : 1;
  return `floor(extract(epoch from now()) * ${factor})::${type}`;
}

/** Whether a type holds numbers. */
export function counts(type: string): boolean {
  return /^(smallint|integer|bigint|numeric|real|double precision)/.test(type);
}
