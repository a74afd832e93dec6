import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { parseDocument } from "./document";
import type { ForwardRun } from "./forward";
import { keyId, keyName, keyOf } from "./keys";
import type { ForwardStep } from "./plan-forward";
import { readRows } from "./rows";
import type { TableShape } from "./table";
import { isTarget, ourKeys } from "./target-document";

/** Reads everything back: the rows are what they should be, and no other row of the table was touched. */
export async function assertTarget(run: ForwardRun, steps: readonly ForwardStep[]): Promise<void> {
  const { client, spec, shape } = run;
  const expected = steps.filter(({ action }) => action !== "merge" && action !== "late");
  const keys = expected.map(({ keyAfter }) => keyAfter);
  const rows = await readRows(client, spec, shape, { keys, columns: [], lock: false });
  for (const { keyAfter, spec: row } of expected) {
    const config = rows.get(keyId(keyOf(keyAfter)))?.config ?? null;
    const document = parseDocument([], config);
    if (
      document === undefined ||
      !isTarget(document.content, row) ||
      !hasOurs(document.content, row)
    ) {
      throw new UserError(
        `The row ${keyName(keyAfter)} did not become what was written: a trigger or rule of the table changed it; nothing was committed.`,
        "Look at the triggers of the table.",
      );
    }
  }
  const written = steps.filter(({ action }) => action === "rewrite" || action === "seed").length;
  await assertTouched(client, shape, written + (run.touched ?? 0));
}

function hasOurs(content: Readonly<Record<string, unknown>>, row: ForwardStep["spec"]): boolean {
  return ourKeys(row).every((key) => key in content || key === "headers");
}

/** Counts the row versions this transaction made. @throws UserError when a trigger touched more rows than we did */
export async function assertTouched(
  client: Client,
  shape: TableShape,
  expected: number,
): Promise<void> {
  const found = await client.query<{ count: number }>(
    `select count(*)::int as count from ${shape.name} t
      where t.xmin::text::bigint = pg_current_xact_id()::text::numeric % 4294967296`,
  );
  const count = found.rows[0]?.count ?? 0;
  if (count === expected) return;
  throw new UserError(
    `${count} rows of ${shape.spec.schema}.${shape.spec.table} would have changed instead of ${expected}: a trigger or rule of the table changes others; nothing was committed.`,
    "Look at the triggers of the table.",
  );
}
