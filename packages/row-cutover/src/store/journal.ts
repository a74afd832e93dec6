import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { ReferenceEntry, RowEntry } from "../decide/entries";
import { keyId, type KeyValues } from "../decide/keys";
import type { CutoverSpec } from "../decide/spec";
import { ident, literal } from "../postgres/identifiers";
import type { TableShape } from "../postgres/table";
import type { Run } from "./ledger";

/** Keys of the rows of a run, with the key that an undo restores. */
export async function readKeys(client: Client, run: Run): Promise<Map<string, KeyValues | null>> {
  const found = await client.query<{ after: KeyValues; before: KeyValues | null }>(
    `select key_after as after, key_before as before from mcp_cutover.journal
      where run_id = $1 and kind = 'row' and action not in ('merge', 'late') and key_after is not null
      order by journal.entry`,
    [run.runId],
  );
  return new Map(found.rows.map(({ after, before }) => [keyId(after), before]));
}

/** The columns of a `RowEntry`, for a relation with the journal's columns. */
export function entryColumns(from: string): string {
  const columns = {
    action: "action",
    keyAfter: "key_after",
    rowId: "row_id",
    configType: "config_type",
    beforeConfig: "before_config",
    afterConfig: "after_config",
    beforeRow: "before_row",
  };
  return [
    `${from}.entry::text as entry`,
    // The journal leaves out a key that did not change. A row that was inserted had none.
    ...["found", "before"].map(
      (when) =>
        `coalesce(${from}.key_${when}, case when ${from}.action not in ('seed', 'inserted') then ${from}.key_after end) as "key${when === "found" ? "Found" : "Before"}"`,
    ),
    ...Object.entries(columns).map(([name, column]) => `${from}.${column} as "${name}"`),
    `coalesce(${from}.before_columns, '{}') as "beforeColumns"`,
    `coalesce(${from}.after_columns, '{}') as "afterColumns"`,
  ].join(", ");
}

/** Reads the entries about rows, oldest first. @param limit of entries. Default: all */
export async function readRowEntries(
  client: Client,
  run: Run,
  limit?: number,
): Promise<RowEntry[]> {
  const found = await client.query<RowEntry>(
    `select ${entryColumns("journal")}
       from mcp_cutover.journal where run_id = $1 and kind = 'row' order by journal.entry limit $2`,
    [run.runId, limit ?? null],
  );
  return found.rows;
}

export async function countRowEntries(client: Client, run: Run): Promise<number> {
  const found = await client.query<{ count: number }>(
    "select count(*)::int as count from mcp_cutover.journal where run_id = $1 and kind = 'row'",
    [run.runId],
  );
  return found.rows[0]?.count ?? 0;
}

export async function readReferenceEntries(client: Client, run: Run): Promise<ReferenceEntry[]> {
  const found = await client.query<ReferenceEntry>(
    `select kind, action, before_row as "beforeRow", detail
       from mcp_cutover.journal where run_id = $1 and kind <> 'row' order by journal.entry`,
    [run.runId],
  );
  return found.rows;
}

/** How many entries a run has. A statement of its own, which the server can run in parallel. */
export async function countEntries(client: Client, runId: string): Promise<number> {
  const found = await client.query<{ count: number }>(
    "select count(*)::int as count from mcp_cutover.journal where run_id = $1",
    [runId],
  );
  return found.rows[0]?.count ?? 0;
}

/** @throws UserError when entries are missing: a partial undo is worse than none */
export async function checkJournal(client: Client, run: Run): Promise<void> {
  const count = await countEntries(client, run.runId);
  if (count === run.journalRows) return;
  throw new UserError(
    `The journal of generation ${run.generation} has ${count} of its ${run.journalRows} entries, so not all rows can be restored.`,
    "Restore mcp_cutover.journal from a backup, or the rows themselves; nothing was changed.",
  );
}

/** The columns beside the document that entries have values of. */
export function journalColumns(entries: readonly RowEntry[]): string[] {
  return [
    ...new Set(
      entries.flatMap((entry) => Object.keys({ ...entry.afterColumns, ...entry.beforeColumns })),
    ),
  ];
}

/** @throws UserError when `finalize` discarded the undo data */
export function refuseFinalized(spec: CutoverSpec, run: Run): void {
  if (run.finalizedAt === undefined) return;
  throw new UserError(
    `Generation ${run.generation} of ${spec.name} cannot be undone: finalize discarded its undo data on ${run.finalizedAt.slice(0, 10)}.`,
    `Restore the rows from a backup by hand, then remove the ledger's entries: delete from mcp_cutover.run where cutover = ${literal(spec.name)};`,
  );
}

/** The columns beside the document that a run's journal has values of and the table still has. */
export async function columnsOf(client: Client, shape: TableShape, run: Run): Promise<string[]> {
  const found = await client.query<{ name: string }>(
    `select distinct jsonb_object_keys(coalesce(after_columns, '{}') || coalesce(before_columns, '{}')) as name
       from mcp_cutover.journal where run_id = $1 and kind = 'row'`,
    [run.runId],
  );
  return found.rows
    .map(({ name }) => name)
    .filter((name) => shape.columns.has(name))
    .sort();
}

/**
 * Copies what an undo of the previous generation would do besides restoring rows: an undo of this one must do it
 * too.
 * @param previous the previous generation, if it pointed into the cluster too
 */
export async function carryOver(
  client: Client,
  previous: Run | undefined,
  runId: string,
): Promise<void> {
  if (previous === undefined || previous.finalizedAt !== undefined) return;
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
       before_config, after_config, before_columns, after_columns, before_row, detail)
     select $1, kind, action, key_found, key_before, key_after, row_id, config_type,
            before_config, after_config, before_columns, after_columns, before_row, detail
       from mcp_cutover.journal j
      where j.run_id = $2 and j.action <> 'late'
        and (j.kind <> 'row' or j.action = 'merge' or not exists (
          select from mcp_cutover.journal n where n.run_id = $1 and n.kind = 'row' and n.key_after = j.key_after))
      order by j.entry`,
    [runId, previous.runId],
  );
}

/** Whether a column of row `t` is as entry `j` left it. One that the run did not write always is. */
export function isAsLeftSql(name: string): string {
  const left = "coalesce(j.after_columns, '{}')";
  return `(not ${left} ? ${literal(name)} or t.${ident(name)}::text is not distinct from ${left} ->> ${literal(name)})`;
}
