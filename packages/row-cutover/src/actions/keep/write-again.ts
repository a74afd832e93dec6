import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { RowEntry } from "../../decide/entries";
import type { CutoverSpec } from "../../decide/spec";
import { assertTouched, type Expected, triggerFix } from "../../postgres/assertions";
import { columnOf } from "../../postgres/columns";
import { inBatches } from "../../postgres/cursor";
import { ident, keyArray, literal } from "../../postgres/identifiers";
import { inScope, type TableShape } from "../../postgres/table";
import { columnsOf, entryColumns, isAsLeftSql } from "../../store/journal";
import type { Run } from "../../store/ledger";
import { entriesWithOtherPath, expectedDocument, holdingActionsSql } from "./expected";

/** Checks that the rows are stored as they were written again, and that no other row was written. */
export async function assertWritten(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
  expected: Expected,
): Promise<void> {
  await assertTouched(client, shape, expected);
  // Nothing may be left to write. If there is, everything is rolled back.
  if ((await writeAgain(client, spec, shape, run)) === 0) return;
  throw new UserError(
    `Rows of ${shape.spec.schema}.${shape.spec.table} were not stored as written: a trigger or rule of the table changed them; nothing was committed.`,
    triggerFix(shape),
  );
}

/** Writes rows again that are not as the run left them. @returns how many */
export async function writeAgain(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
): Promise<number> {
  const columns = await columnsOf(client, shape, run);
  const owned = await entriesWithOtherPath(client, spec, shape, run, (entry) =>
    expectedDocument(entry, run, shape),
  );
  const parts = { columns, owned };
  if (run.configType !== "text" || shape.configType === "text")
    return writeDocuments(client, spec, shape, run, parts);
  // The application changed the column's type since, so the documents have another form now.
  let count = 0;
  const entries = `select ${entryColumns("j")} from mcp_cutover.journal j where j.run_id = ${literal(run.runId)} and j.kind = 'row'`;
  for await (const batch of inBatches<RowEntry>(client, entries)) {
    const documents = batch.flatMap((entry) => {
      const now = expectedDocument(entry, run, shape);
      return now === undefined ? [] : [{ entry: entry.entry, document: now }];
    });
    count += await writeDocuments(client, spec, shape, run, parts, documents);
  }
  return count;
}

interface WrittenParts {
  /** The columns beside the document. */
  readonly columns: readonly string[];
  /** Entries whose documents stay as the application wrote them, such as with another path. */
  readonly owned: readonly string[];
}

async function writeDocuments(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
  { columns, owned }: WrittenParts,
  documents?: readonly { entry: string; document: string }[],
): Promise<number> {
  const { table } = spec;
  const config = `t.${ident(table.config)}`;
  const document = documents === undefined ? "j.after_config" : "d.document";
  // JSON is compared by value, so another spelling is no difference. Nor are headers that the application erased.
  const other =
    shape.configType === "text"
      ? `${config} is distinct from ${document}`
      : `${config}::text is distinct from ${document}
          and ${config}::jsonb - 'headers' is distinct from ${document}::jsonb - 'headers'`;
  const stays = owned.length === 0 ? undefined : `j.entry in (${owned.join(", ")})`;
  const differs = stays === undefined ? other : `not ${stays} and ${other}`;
  const written = `${document}::${shape.configType}`;
  const others = columns
    .filter((name) => name !== table.updatedAt)
    .map((name) => `not ${isAsLeftSql(name)}`);
  const set = [
    `${ident(table.config)} = ${stays === undefined ? written : `case when ${stays} then ${config} else ${written} end`}`,
    ...columns.map(
      (name) =>
        `${ident(name)} = case when j.after_columns ? ${literal(name)} then (j.after_columns ->> ${literal(name)})::${columnOf(shape, name).type} else t.${ident(name)} end`,
    ),
  ];
  const source =
    documents === undefined
      ? "mcp_cutover.journal j"
      : `mcp_cutover.journal j join jsonb_to_recordset($2::jsonb) as d(entry bigint, document text) on d.entry = j.entry`;
  const done = await client.query(
    `update ${shape.name} t set ${set.join(", ")} from ${source}
      where j.run_id = $1 and j.kind = 'row' and j.action in ${holdingActionsSql} and j.after_config is not null
        and ${keyArray(table.key, "t")} = j.key_after and ${inScope(table, "t")} and (${[differs, ...others].join(" or ")})`,
    // A parameter, since a statement's text can appear in the server's log and in pg_stat_statements.
    [run.runId, ...(documents === undefined ? [] : [JSON.stringify(documents)])],
  );
  return done.rowCount ?? 0;
}
