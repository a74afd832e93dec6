import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { ReferenceDetail } from "../../decide/entries";
import { keyName, type KeyValues } from "../../decide/keys";
import { columnsAsText, readColumns } from "../../postgres/columns";
import { type Reference, referencesTo } from "../../postgres/foreign-keys";
import { ident, keyArray, qualified, shownName } from "../../postgres/identifiers";
import { referenceRights } from "../../postgres/rights/required";
import type { TableShape } from "../../postgres/table";
import { checkTouched, identityOf } from "../../postgres/touched-tables";

/** A column of another table that refers to rows of the table. */
export interface ForeignKey {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** The column of our table that it refers to. */
  readonly target: string;
  readonly allColumns: readonly string[];
  /** The columns that identify a row. */
  readonly identity: readonly string[];
  /** The columns of each unique index that has this column, without it, and how the index compares them. */
  readonly uniqueWith: readonly (readonly { readonly column: string; readonly equals: string }[])[];
  /** Tables that refer to this one. */
  readonly referencedBy: readonly string[];
}

/**
 * The foreign keys to the table, from the catalog. Checks that references can be moved to another row and back.
 * @throws UserError naming the table and what is in the way
 */
export async function foreignKeys(client: Client, shape: TableShape): Promise<ForeignKey[]> {
  const keys: ForeignKey[] = [];
  for (const one of await referencesTo(client, shape)) keys.push(await describeKey(client, one));
  return keys;
}

async function describeKey(client: Client, raw: Reference): Promise<ForeignKey> {
  const name = shownName(raw.schema, raw.table);
  const [column, ...more] = raw.columns;
  const [target] = raw.targets;
  const instead =
    "Merge the two rows by hand before the cutover, or list the older key in [cutover.skip].";
  if (column === undefined || target === undefined || more.length > 0) {
    throw new UserError(
      `A foreign key of ${name} has several columns (${raw.columns.join(", ")}), so its rows cannot be moved to another row.`,
      instead,
    );
  }
  if (raw.self) {
    throw new UserError(
      `The table ${name} refers to itself (${column}), so merging two of its rows would write rows that the journal has no entry for.`,
      instead,
    );
  }
  const table = await checkTouched(client, raw.oid, name, referenceRights);
  return {
    schema: raw.schema,
    table: raw.table,
    column,
    target,
    allColumns: [...(await readColumns(client, raw.oid)).keys()],
    identity: identityOf(name, table),
    uniqueWith: table.uniques
      .filter(({ columns }) => columns.includes(column))
      .map(({ columns, equals }) =>
        columns.flatMap((one, i) =>
          one === column ? [] : [{ column: one, equals: equals[i] ?? "=" }],
        ),
      ),
    referencedBy: table.referencedBy,
  };
}

/** Whether the surviving row already has the same reference as `r`: `s`, whose value is `to` in SQL. */
function collision(key: ForeignKey, twin: ForeignKey["uniqueWith"][number], to: string): string {
  const same = twin.map(({ column, equals }) => `s.${ident(column)} ${equals} r.${ident(column)}`);
  return `exists (select from ${qualified(key.schema, key.table)} s where ${[`s.${ident(key.column)}::text = ${to}`, ...same].join(" and ")})`;
}

/**
 * A reference is deleted where the surviving row has the same one. Rows that refer to that reference would be deleted
 * with it, or prevent it, and the journal has no entries for them.
 * @param found key of the row that is removed
 * @param after key of the row that stays
 * @throws UserError naming the tables
 */
export async function refuseDeeper(
  client: Client,
  shape: TableShape,
  keys: readonly ForeignKey[],
  [found, after]: readonly [KeyValues, KeyValues],
): Promise<void> {
  const value = (key: ForeignKey, n: number): string =>
    `(select t.${ident(key.target)}::text from ${shape.rows} t where ${keyArray(shape.spec.key, "t")} = $${n}::text[])`;
  for (const key of keys.filter(({ referencedBy }) => referencedBy.length > 0)) {
    for (const twin of key.uniqueWith) {
      const { rowCount } = await client.query(
        `select from ${qualified(key.schema, key.table)} r
          where r.${ident(key.column)}::text = ${value(key, 1)} and ${collision(key, twin, value(key, 2))} limit 1`,
        [found, after],
      );
      if (rowCount === 0) continue;
      throw new UserError(
        `Rows of ${key.schema}.${key.table} refer to both ${keyName(found)} and ${keyName(after)}, so those of ${keyName(found)} would go, and ${key.referencedBy.join(", ")} refer to that table in turn.`,
        `Remove these references by hand before the cutover, or list ${keyName(found)} in [cutover.skip].`,
      );
    }
  }
}

/** The two rows of a merge, as text: the one that is removed and the one that stays. */
export interface Move {
  readonly from: Readonly<Record<string, string | null>>;
  readonly to: Readonly<Record<string, string | null>>;
}

/**
 * Points every reference to the surviving row. Where that row already has the same reference, so that a unique index
 * would be violated, it is deleted instead. Everything is journalled unless `runId` is undefined.
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
      const where = `r.${column}::text = $1 and ${collision(key, twin, "$2")}`;
      const detail = { ...base(key, from, to), twin: twin.map((one) => one.column) };
      const noted = await journalReferences(
        client,
        runId,
        "delete",
        key,
        where,
        [from, to],
        detail,
      );
      const deleted = await client.query(`delete from ${name} r where ${where}`, [from, to]);
      expectSame(key, deleted.rowCount, noted);
      count += deleted.rowCount ?? 0;
    }
    const where = `r.${column}::text = $1`;
    const noted = await journalReferences(
      client,
      runId,
      "move",
      key,
      where,
      [from],
      base(key, from, to),
    );
    const type = await client.query<{ type: string }>(
      "select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = $1::regclass and attname = $2",
      [name, key.column],
    );
    const moved = await client.query(
      `update ${name} r set ${column} = $2::text::${type.rows[0]?.type ?? "text"} where ${where}`,
      [from, to],
    );
    expectSame(key, moved.rowCount, noted);
    const left = await client.query(`select from ${name} r where ${where} limit 1`, [from]);
    expectSame(key, left.rowCount, 0);
    count += moved.rowCount ?? 0;
  }
  return count;
}

/** @throws UserError when the number of written rows differs from the journal */
function expectSame(key: ForeignKey, done: number | null, noted: number | undefined): void {
  if (noted === undefined || done === noted) return;
  throw new UserError(
    `The references in ${key.schema}.${key.table} were not stored as written: a trigger of that table changed them; nothing was committed.`,
    `Look at its triggers; one that may be left out meanwhile: alter table ${shownName(key.schema, key.table)} disable trigger <name>;`,
  );
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

/** @returns how many entries were written; undefined without a journal */
async function journalReferences(
  client: Client,
  runId: string | undefined,
  action: "move" | "delete",
  key: ForeignKey,
  where: string,
  values: readonly string[],
  detail: ReferenceDetail,
): Promise<number | undefined> {
  if (runId === undefined) return undefined;
  const next = values.length;
  const done = await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, before_row, detail)
     select $${next + 1}, 'reference', '${action}', ${columnsAsText(key.allColumns, "r")}, $${next + 2}
       from ${qualified(key.schema, key.table)} r where ${where}`,
    [...values, runId, JSON.stringify(detail)],
  );
  return done.rowCount ?? 0;
}
