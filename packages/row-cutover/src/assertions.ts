import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { isWritten, specColumns, specRecord } from "./documents-sql";
import { keyArray } from "./identifiers";
import { keyName, keyOf, type KeyValues } from "./keys";
import { listed } from "./refusals";
import type { CutoverSpec } from "./spec";
import { matchColumns, type TableShape } from "./table";

/** Versions of rows `t` that this transaction made. */
export const ours = "t.xmin = pg_current_xact_id()::xid";

/** Reads everything back: what was written is what it should be, and no other row of the table was touched. */
export async function assertTarget(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  expected: number,
): Promise<void> {
  const specs = JSON.stringify(
    spec.rows.map((row) => ({ key: keyOf(row.key), ...specRecord(row) })),
  );
  const from = `${shape.name} t left join jsonb_to_recordset($1::jsonb) as d(key text[], ${specColumns})
    on d.key = ${keyArray(matchColumns(spec.table), "t")} where ${ours}`;
  const found = await client.query<{ touched: number; wrong: number }>(
    `select count(*)::int as touched,
            count(*) filter (where d.key is not null and not ${isWritten(shape)})::int as wrong from ${from}`,
    [specs],
  );
  const { touched = 0, wrong = 0 } = found.rows[0] ?? {};
  if (wrong > 0) {
    const { rows } = await client.query<{ key: KeyValues }>(
      `select ${keyArray(spec.table.key, "t")} as key from ${from} and d.key is not null and not ${isWritten(shape)} order by 1 limit 20`,
      [specs],
    );
    const names = rows.map(({ key }) => keyName(key));
    throw new UserError(
      `The ${wrong === 1 ? "row" : "rows"} ${listed(names, ", ", wrong)} did not become what was written: a trigger or rule of the table changed it; nothing was committed.`,
      "Look at the triggers of the table.",
    );
  }
  refuseOthers(shape, touched, expected);
}

/** Counts the row versions this transaction made. @throws UserError when a trigger touched more rows than we did */
export async function assertTouched(
  client: Client,
  shape: TableShape,
  expected: number,
): Promise<void> {
  const found = await client.query<{ count: number }>(
    `select count(*)::int as count from ${shape.name} t
      where ${ours}`,
  );
  refuseOthers(shape, found.rows[0]?.count ?? 0, expected);
}

function refuseOthers(shape: TableShape, count: number, expected: number): void {
  if (count === expected) return;
  throw new UserError(
    `${count} rows of ${shape.spec.schema}.${shape.spec.table} would have changed instead of ${expected}: a trigger or rule of the table changes others; nothing was committed.`,
    "Look at the triggers of the table.",
  );
}
