import type { UndoRun } from "../actions/action";
import type { RowEntry } from "../decide/entries";
import { keyId } from "../decide/keys";
import type { RowChange } from "../decide/results";
import type { StoredRow } from "../decide/rows";
import type { UndoPlan } from "../decide/steps";
import { inBatches } from "../postgres/cursor";
import { EngineError } from "../postgres/errors";
import { ident, literal, sameKey } from "../postgres/identifiers";
import { isOwnSql, serverColumnSql, storedColumns } from "../postgres/rows";
import { entryColumns, isAsLeftSql } from "../store/journal";
import { planUndo } from "./plan-undo";

/** Journal entries of the undone run beside the rows as they are. */
export type UndoPairs = Pick<UndoRun, "client" | "spec" | "shape" | "undone" | "columns">;

/**
 * For FROM in queries: pairs of entries `j` and rows `t`.
 * @param join without a type column, rows that no run wrote do not matter, so a left join will do
 */
export function pairsSql(
  { spec, shape, undone }: UndoPairs,
  join: "left" | "full" = spec.table.type === undefined ? "left" : "full",
): string {
  return `(select * from mcp_cutover.journal where run_id = ${literal(undone.runId)} and kind = 'row'
      and action <> 'late') j ${join} join ${shape.rows} t
      on ${sameKey(spec.table.key, "t", "j.key_after")}`;
}

/**
 * The state of a pair. `new` and `foreign` have no entry, `gone` has no row. `written` is what `compareWithJournal`
 * restores exactly; the others, but for `unchanged`, are compared by it one by one.
 */
export function stateSql({ spec, shape, columns }: UndoPairs): string {
  const same = columns
    .filter((name) => name !== spec.table.updatedAt)
    .map((name) => `and ${isAsLeftSql(name)}`);
  return `case when j.entry is null then case when ${isOwnSql(spec)} then 'new' else 'foreign' end
    when t.ctid is null then 'gone' when j.action = 'unchanged' then 'unchanged'
    when j.action = 'rewrite' and j.config_type = ${literal(shape.configType)} and ${isOwnSql(spec)}
      and t.${ident(spec.table.config)}::text = j.after_config ${same.join(" ")} then 'written'
    else 'other' end`;
}

/** Pairs of one server with the same state. */
export interface PairGroup {
  /** The server's key; null where there is no row. */
  readonly match: string | null;
  readonly state: "written" | "unchanged" | "other" | "gone" | "new";
  readonly count: string;
  readonly bytes: string | null;
  /** The entry and the place of one row. */
  readonly example: string | null;
}

/** Counts the pairs by server and state. */
export async function countPairs(pairs: UndoPairs): Promise<PairGroup[]> {
  const { client, spec } = pairs;
  const match = serverColumnSql(spec);
  const { rows } = await client.query<PairGroup>(
    `with groups as materialized (
      select match, state, count(*)::text as count, sum(bytes)::text as bytes, min(example) as example from (
       select case when t.ctid is not null and j.entry is not null then ${match} end as match,
         ${stateSql(pairs)} as state, pg_column_size(t.${ident(spec.table.config)}) as bytes,
         j.entry || ' ' || t.tableoid || ' ' || t.ctid as example
       from ${pairsSql(pairs)}) x
      where state <> 'foreign' group by match, state)
    select * from groups order by match, state`,
  );
  return rows;
}

/** The change of a group, described by one of its rows. */
export async function describeExample(
  { client, spec, shape, undone, columns }: UndoPairs,
  example: string,
): Promise<RowChange> {
  const [entry, part, tid] = example.split(" ");
  const entries = await client.query<RowEntry>(
    `select ${entryColumns("journal")} from mcp_cutover.journal where run_id = $1 and entry = $2`,
    [undone.runId, entry],
  );
  const stored = await client.query<StoredRow>(
    `select ${storedColumns(spec, shape, columns)} from ${shape.name} t where t.ctid = $1 and t.tableoid = $2`,
    [tid, part],
  );
  const rows = new Map(stored.rows.map((row) => [keyId(row.key), row]));
  const { configType } = shape;
  const [change] = planUndo({ spec, configType, rows, entries: entries.rows }).changes;
  if (change === undefined) throw new EngineError("a journal entry has nothing to undo");
  return change;
}

/** Plans of the rows that are not as the run left them, in batches. */
export async function* planOthers(
  pairs: UndoPairs,
): AsyncGenerator<{ plan: UndoPlan; rows: ReadonlyMap<string, StoredRow> }> {
  const { client, spec, shape, columns } = pairs;
  const query = `select ${entryColumns("x")}, x.row as stored from (
      select j.*, case when t.ctid is not null then
        (select to_jsonb(r.*) from (select ${storedColumns(spec, shape, columns)}) r) end as row
        from ${pairsSql(pairs)} where ${stateSql(pairs)} in ('other', 'gone', 'new')
      ) x order by x.entry`;
  for await (const batch of inBatches<RowEntry & { stored: StoredRow | null }>(client, query)) {
    const rows = new Map(
      batch.flatMap(({ stored }) =>
        stored === null ? [] : [[keyId(stored.key), stored] as const],
      ),
    );
    const entries = batch.filter(({ entry }) => (entry as string | null) !== null);
    yield { plan: planUndo({ spec, configType: shape.configType, rows, entries }), rows };
  }
}
