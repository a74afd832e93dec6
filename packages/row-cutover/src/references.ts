import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { ident, qualified } from "./identifiers";
import type { ReferenceDetail } from "./journal";
import { missingPrivilege } from "./preconditions";
import { columnsAsText, readColumns, type TableShape } from "./table";

/** A column elsewhere that points to rows of the table. */
export interface ForeignKey {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** The column of our table that it points to. */
  readonly target: string;
  readonly allColumns: readonly string[];
  /** The primary key, or every column where there is none. */
  readonly identity: readonly string[];
  /** The columns of each unique index that has this column, without it. */
  readonly uniqueWith: readonly (readonly string[])[];
  /** Whether the database itself passes on a change of the target. */
  readonly cascades: boolean;
}

interface RawForeignKey {
  readonly oid: string;
  readonly schema: string;
  readonly table: string;
  readonly columns: string[];
  readonly targets: string[];
  readonly cascades: boolean;
  readonly missing: string[];
}

/** The foreign keys that point to the table, from the catalog. @throws UserError when one has several columns */
export async function foreignKeys(client: Client, shape: TableShape): Promise<ForeignKey[]> {
  const found = await client.query<RawForeignKey>(
    `select c.oid::text as oid, n.nspname as schema, c.relname as table, k.confupdtype = 'c' as cascades,
            (select array_agg(a.attname::text order by o.n) from unnest(k.conkey) with ordinality o(num, n)
               join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.num) as columns,
            (select array_agg(a.attname::text order by o.n) from unnest(k.confkey) with ordinality o(num, n)
               join pg_attribute a on a.attrelid = k.confrelid and a.attnum = o.num) as targets,
            (select coalesce(array_agg(r), '{}') from unnest(array['select', 'insert', 'update', 'delete']) r
              where not has_table_privilege(c.oid, r)) as missing
       from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
      where k.contype = 'f' and k.confrelid = $1::oid and k.conparentid = 0 order by 2, 3, k.conname`,
    [String(shape.oid)],
  );
  const keys: ForeignKey[] = [];
  for (const raw of found.rows) keys.push(await describeKey(client, raw));
  return keys;
}

async function describeKey(client: Client, raw: RawForeignKey): Promise<ForeignKey> {
  const name = `${raw.schema}.${raw.table}`;
  const [column, ...more] = raw.columns;
  const [target] = raw.targets;
  if (column === undefined || target === undefined || more.length > 0) {
    throw new UserError(
      `A foreign key of ${name} has several columns (${raw.columns.join(", ")}), so its rows cannot be moved to another row.`,
      "Merge the two rows by hand before the cutover, or list the older key in [cutover.skip].",
    );
  }
  if (raw.missing.length > 0) throw missingPrivilege(name, raw.missing);
  const indexes = await client.query<{ primary: boolean; columns: string[] }>(
    `select i.indisprimary as primary,
            (select array_agg(a.attname::text) from unnest(i.indkey::int2[]) with ordinality o(num, n)
               join pg_attribute a on a.attrelid = i.indrelid and a.attnum = o.num where o.n <= i.indnkeyatts) as columns
       from pg_index i where i.indrelid = $1::oid and i.indisunique and i.indpred is null and i.indexprs is null`,
    [raw.oid],
  );
  const allColumns = [...(await readColumns(client, raw.oid)).keys()];
  return {
    schema: raw.schema,
    table: raw.table,
    column,
    target,
    allColumns,
    identity: indexes.rows.find(({ primary }) => primary)?.columns ?? allColumns,
    uniqueWith: indexes.rows
      .filter(({ columns }) => columns.includes(column))
      .map(({ columns }) => columns.filter((one) => one !== column)),
    cascades: raw.cascades,
  };
}

/** Values of the columns that references point to: of the row that goes and of the one that stays. */
export interface Move {
  readonly from: Readonly<Record<string, string | null>>;
  readonly to: Readonly<Record<string, string | null>>;
}

/**
 * Points every reference to the surviving row. One that the survivor has already, so that the move would break a
 * unique index, is deleted instead. All of it goes to the journal unless `runId` is undefined.
 * @returns how many rows were moved or deleted
 */
export async function moveReferences(
  client: Client,
  keys: readonly ForeignKey[],
  move: Move,
  runId: string | undefined,
): Promise<number> {
  let count = 0;
  for (const key of keys) {
    const from = move.from[key.target];
    const to = move.to[key.target];
    if (from === null || from === undefined || to === null || to === undefined) continue;
    const name = qualified(key.schema, key.table);
    const column = ident(key.column);
    for (const twin of key.uniqueWith) {
      const same = twin.map((one) => `s.${ident(one)} = r.${ident(one)}`);
      const collides = [`s.${column}::text = $2`, ...same].join(" and ");
      const where = `r.${column}::text = $1 and exists (select from ${name} s where ${collides})`;
      const detail = { ...base(key, from, to), twin };
      await journalReferences(client, runId, "delete", key, where, [from, to], detail);
      const deleted = await client.query(`delete from ${name} r where ${where}`, [from, to]);
      count += deleted.rowCount ?? 0;
    }
    const where = `r.${column}::text = $1`;
    await journalReferences(client, runId, "move", key, where, [from], base(key, from, to));
    const type = await client.query<{ type: string }>(
      "select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = $1::regclass and attname = $2",
      [name, key.column],
    );
    const moved = await client.query(
      `update ${name} r set ${column} = $2::text::${type.rows[0]?.type ?? "text"} where ${where}`,
      [from, to],
    );
    count += moved.rowCount ?? 0;
  }
  return count;
}

function base(key: ForeignKey, from: string, to: string): ReferenceDetail {
  return {
    schema: key.schema,
    table: key.table,
    column: key.column,
    identity: key.identity,
    before: from,
    after: to,
  };
}

async function journalReferences(
  client: Client,
  runId: string | undefined,
  action: "move" | "delete",
  key: ForeignKey,
  where: string,
  values: readonly string[],
  detail: ReferenceDetail,
): Promise<void> {
  if (runId === undefined) return;
  const next = values.length;
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, before_row, detail)
     select $${next + 1}, 'reference', '${action}', ${columnsAsText(key.allColumns, "r")}, $${next + 2}
       from ${qualified(key.schema, key.table)} r where ${where}`,
    [...values, runId, JSON.stringify(detail)],
  );
}
