import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { keyName, keyOf, type KeyValues, listed } from "../decide/keys";
import { entryColumns, setColumns } from "../decide/layout";
import type { CutoverSpec } from "../decide/spec";
import { afterColumnSql, isWrittenSql, specColumns, specRecord } from "./documents-sql";
import { ident, keyArray } from "./identifiers";
import type { TableShape } from "./table";

const top = "(select pg_current_xact_id()::text::bigint)";

/** Distance to the first transaction number that was not yet assigned when the statement began. */
const open = `(select pg_snapshot_xmax(pg_current_snapshot())::text::bigint - pg_current_xact_id()::text::bigint)`;

/** Distance of a row version's transaction number from ours. A row has 32 bits of it, and they wrap around. */
const distance = `((t.xmin::text::bigint - ${top}) & 4294967295)`;

/** More subtransactions than a run can have, and few compared with all transaction numbers. */
const mostUnderWay = 4_194_304;

/**
 * Whether this transaction made the version of a row `t`, also in a subtransaction, which code with an exception
 * handler starts. Subtransactions have numbers of their own, younger than ours, and are in progress while we are.
 */
export const writtenHere = `case when t.xmin = pg_current_xact_id()::xid then true
  when ${distance} >= ${open} + ${mostUnderWay} then false
  when ${distance} >= ${open} then true
  else pg_xact_status((${top} + ${distance})::text::xid8) = 'in progress' end`;

/**
 * Runs everything that was deferred until COMMIT, so that what is read afterwards is what is committed. Sent after
 * the last write of a row and before the assertions.
 */
export async function finishDeferred(client: Client): Promise<void> {
  await client.query("set constraints all immediate");
}

/** Reads the rows back: they are as written, no other row was written, and none was inserted or deleted. */
export async function assertTarget(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  expected: Expected & {
    /** Whether every written row belongs to an entry of the configuration. */
    readonly configured: boolean;
  },
): Promise<void> {
  const specs = JSON.stringify(
    spec.rows.map((row) => ({ key: keyOf(row.key), ...specRecord(row) })),
  );
  const wrongRow = `(d.key is null and ${String(expected.configured)} or d.key is not null and not (${isWrittenSql(shape)} and ${columnsWritten(spec, shape)}))`;
  const from = `${shape.name} t left join jsonb_to_recordset($1::jsonb) as d(key text[], ${specColumns})
    on d.key = ${keyArray(entryColumns(spec.table), "t")} where ${writtenHere}`;
  const found = await client.query<{ touched: number; wrong: number }>(
    `select count(*)::int as touched,
            count(*) filter (where ${wrongRow})::int as wrong from ${from}`,
    [specs],
  );
  const { touched = 0, wrong = 0 } = found.rows[0] ?? {};
  refuseOtherRows(shape, touched, expected.written);
  if (wrong > 0) {
    const { rows } = await client.query<{ key: KeyValues }>(
      `select ${keyArray(spec.table.key, "t")} as key from ${from} and ${wrongRow} order by 1 limit 20`,
      [specs],
    );
    const names = rows.map(({ key }) => keyName(key));
    throw new UserError(
      `The ${wrong === 1 ? "row" : "rows"} ${listed(names, ", ", wrong)} ${wrong === 1 ? "was" : "were"} not stored as written: a trigger or rule of the table changed ${wrong === 1 ? "it" : "them"}; nothing was committed.`,
      triggerFix(shape),
    );
  }
  await assertRows(client, shape, expected);
}

/** Whether the `set` columns of a row are as the entry `d` has them. */
function columnsWritten(spec: CutoverSpec, shape: TableShape): string {
  const same = setColumns(spec).map(
    (name) => `t.${ident(name)}::text is not distinct from (${afterColumnSql(shape, name)})::text`,
  );
  return same.length === 0 ? "true" : same.join(" and ");
}

/** What the table has to have once everything is written. */
export interface Expected {
  /** Row versions of this transaction. */
  readonly written: number;
  /** All rows. */
  readonly rows: number;
}

/** Counts the row versions this transaction made, and all rows. @throws UserError when a trigger touched others */
export async function assertTouched(
  client: Client,
  shape: TableShape,
  expected: Expected,
): Promise<void> {
  const found = await client.query<{ count: number; rows: number }>(
    `select count(*) filter (where ${writtenHere})::int as count, count(*)::int as rows from ${shape.name} t`,
  );
  const { count = 0, rows = 0 } = found.rows[0] ?? {};
  refuseOtherRows(shape, count, expected.written);
  refuseRowCount(shape, rows, expected.rows);
}

/** For `assertTarget`, whose own statement reads only the written rows. */
async function assertRows(client: Client, shape: TableShape, { rows }: Expected): Promise<void> {
  const found = await client.query<{ rows: number }>(
    `select count(*)::int as rows from ${shape.name}`,
  );
  refuseRowCount(shape, found.rows[0]?.rows ?? 0, rows);
}

/** The error for rows that were not written: a BEFORE trigger that returns NULL skips the row. */
export function writesBlocked(
  shape: TableShape,
  what: string,
  found: number,
  expected: number,
): UserError {
  return new UserError(
    `${found} rows of ${shape.spec.schema}.${shape.spec.table} were ${what} instead of ${expected}: a trigger of the table prevented the others; nothing was committed.`,
    triggerFix(shape),
  );
}

function refuseRowCount(shape: TableShape, rows: number, expected: number): void {
  if (rows === expected) return;
  throw new UserError(
    `${shape.spec.schema}.${shape.spec.table} would have ${rows} rows instead of ${expected}: a trigger or rule of the table deletes or inserts some; nothing was committed.`,
    triggerFix(shape),
  );
}

/** The fix that names the triggers which can have done it. */
export function triggerFix({ name, triggers }: TableShape): string {
  return triggers.length === 0
    ? `Look at the rules of the table (select * from pg_rules) and at triggers of the tables that refer to ${name}.`
    : `Look at the triggers ${triggers.map((one) => one.name).join(", ")} of ${name}; one that may be left out meanwhile: alter table ${name} disable trigger <name>;`;
}

function refuseOtherRows(shape: TableShape, count: number, expected: number): void {
  if (count === expected) return;
  throw new UserError(
    `${count} rows of ${shape.spec.schema}.${shape.spec.table} would have changed instead of ${expected}: a trigger or rule of the table changes others; nothing was committed.`,
    triggerFix(shape),
  );
}
