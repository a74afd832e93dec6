import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { keyId, type KeyValues } from "../decide/keys";
import type { Run } from "./ledger";

/**
 * What a run did to one row of the table, and what its undo does.
 * - `rewrite`: restored from `before`. `restore`: the same, written by an undo.
 * - `seed`: inserted by the run, removed by its undo. `merge`: deleted by the run, inserted again by its undo.
 * - `unchanged`: only held by the fence. `removed`, `inserted`: written by an undo. `late`: never undone.
 */
export type JournalAction =
  "rewrite" | "restore" | "seed" | "merge" | "unchanged" | "removed" | "inserted" | "late";

/** One journal entry about a row of the table. Before-images hold credentials. */
export interface RowEntry {
  readonly entry: string;
  readonly action: JournalAction;
  /** The key in the table when the run began. */
  readonly keyFound: KeyValues | null;
  /** The key an undo restores. */
  readonly keyBefore: KeyValues | null;
  readonly keyAfter: KeyValues | null;
  readonly rowId: string | null;
  readonly configType: string;
  readonly beforeConfig: string | null;
  readonly afterConfig: string | null;
  readonly beforeColumns: Readonly<Record<string, string | null>>;
  readonly afterColumns: Readonly<Record<string, string | null>>;
  /** Every column as text, for a row that was deleted. */
  readonly beforeRow: Readonly<Record<string, string | null>> | null;
}

/** One journal entry about a row elsewhere that refers to a merged row. */
export interface ReferenceEntry {
  readonly kind: "reference" | "soft-reference";
  readonly action: "move" | "delete" | "edit";
  readonly beforeRow: Readonly<Record<string, string | null>>;
  readonly detail: ReferenceDetail;
}

export interface ReferenceDetail {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** The columns that identify the row. */
  readonly identity: readonly string[];
  readonly before: string | null;
  readonly after: string | null;
  /** For a deleted one: the columns it shares with the reference that made it superfluous. */
  readonly twin?: readonly string[];
}

/** Keys after a run of the rows it holds, with the key that an undo of it gives back. */
export async function readKeys(client: Client, run: Run): Promise<Map<string, KeyValues | null>> {
  const found = await client.query<{ after: KeyValues; before: KeyValues | null }>(
    `select key_after as after, key_before as before from mcp_cutover.journal
      where run_id = $1 and kind = 'row' and action not in ('merge', 'late') and key_after is not null
      order by journal.entry`,
    [run.runId],
  );
  return new Map(found.rows.map(({ after, before }) => [keyId(after), before]));
}

/** A `RowEntry` of a relation with the journal's columns. */
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
    // Left out where it is the same, but for a row that was made: that had none.
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

/** How many entries a run has. A statement of its own, which several of the server's processes can share. */
export async function countEntries(client: Client, runId: string): Promise<number> {
  const found = await client.query<{ count: number }>(
    "select count(*)::int as count from mcp_cutover.journal where run_id = $1",
    [runId],
  );
  return found.rows[0]?.count ?? 0;
}

/** @throws UserError when entries are missing: part of an undo is worse than none */
export async function checkJournal(client: Client, run: Run): Promise<void> {
  const count = await countEntries(client, run.runId);
  if (count === run.journalRows) return;
  throw new UserError(
    `The journal of generation ${run.generation} has ${count} of its ${run.journalRows} entries, so the rows as they were before are not all known.`,
    "Restore mcp_cutover.journal from a backup, or the rows themselves; nothing was changed.",
  );
}

/** The columns beside the document that entries tell about. */
export function journalColumns(entries: readonly RowEntry[]): string[] {
  return [
    ...new Set(
      entries.flatMap((entry) => Object.keys({ ...entry.afterColumns, ...entry.beforeColumns })),
    ),
  ];
}

/** Entries by the key the row has after the run. */
export function byKeyAfter(entries: readonly RowEntry[]): Map<string, RowEntry> {
  const found = new Map<string, RowEntry>();
  for (const entry of entries) {
    if (entry.keyAfter !== null && entry.action !== "merge" && entry.action !== "late") {
      found.set(keyId(entry.keyAfter), entry);
    }
  }
  return found;
}
