import type { Client } from "pg";

import { ChangeList } from "../decide/change-list";
import type { RowEntry } from "../decide/entries";
import { keyId, keyName } from "../decide/keys";
import type { RowChange } from "../decide/results";
import type { StoredRow } from "../decide/rows";
import type { CutoverSpec } from "../decide/spec";
import type { Conflict, ReadSize, UndoPlan } from "../decide/steps";
import { inBatches } from "../postgres/cursor";
import { EngineError } from "../postgres/errors";
import { ident, literal, sameKey } from "../postgres/identifiers";
import { isOwnSql, serverColumnSql, storedColumns } from "../postgres/rows";
import type { TableShape } from "../postgres/table";
import { columnsOf, entryColumns, isAsLeftSql } from "../store/journal";
import type { Run } from "../store/ledger";
import { planUndo } from "./plan-undo";

/** How many conflicts and warnings are listed. All are counted. */
const listedRows = 100;

/**
 * Plans an undo of a table with a row for each tenant. SQL counts the rows that are exactly as the run left them. All
 * others (changed, deleted or made since) are compared one by one, in batches, and leave only counts.
 */
export async function planUndoGroups(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  undone: Run,
): Promise<{ plan: UndoPlan; readSize: ReadSize }> {
  const columns = await columnsOf(client, shape, undone);
  const changes = new ChangeList();
  const [restoring, holding] = [
    { written: 0, unchanged: 0 },
    { restore: 0, kept: 0 },
  ];
  let readSize = { rows: 0, bytes: 0 };
  let others = 0;
  for (const group of await countStates(client, spec, shape, undone, columns)) {
    const count = Number(group.count);
    readSize = { rows: readSize.rows + count, bytes: readSize.bytes + Number(group.bytes ?? 0) };
    if (group.state === "written" || group.state === "unchanged") {
      restoring[group.state] += count;
      const change = await describeExample(
        client,
        spec,
        shape,
        undone,
        columns,
        group.example ?? "",
      );
      changes.add({ ...change, key: group.match ?? "", count });
    } else others += count;
  }
  const conflicts: Conflict[] = [];
  const warnings = new Set<string>();
  let found = 0;
  let omitted = 0;
  if (others > 0) {
    for await (const { plan, rows } of rowsToCompare(client, spec, shape, undone, columns)) {
      found += plan.conflicts.count;
      conflicts.push(...plan.conflicts.list.slice(0, listedRows - conflicts.length));
      for (const warning of plan.warnings) {
        if (warnings.size < listedRows) warnings.add(warning);
        else if (!warnings.has(warning)) omitted += 1;
      }
      const servers = new Map(
        [...rows.values()].map((row) => [keyName(row.key), keyName(row.match)]),
      );
      for (const change of plan.changes) {
        // Conflicts are listed by row, all other changes by server.
        const stays = change.action === "conflict" || change.action === "keep";
        const alone = stays && changes.size < listedRows;
        changes.add(alone ? change : { ...change, key: servers.get(change.key) ?? "(gone)" });
      }
      for (const { action } of plan.steps) holding[action === "restore" ? "restore" : "kept"] += 1;
    }
  }
  if (omitted > 0) warnings.add(`There are ${omitted} more rows like these.`);
  return {
    plan: {
      steps: [],
      changes: changes.all(),
      warnings: [...warnings],
      conflicts: { count: found, list: conflicts },
      columns,
      withoutSteps: { ...restoring, ...holding },
    },
    readSize,
  };
}

/** The steps for rows that are not as the run left them, in batches. */
export async function* rowsToCompare(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  undone: Run,
  columns: readonly string[],
): AsyncGenerator<{ plan: UndoPlan; rows: ReadonlyMap<string, StoredRow> }> {
  const query = `select ${entryColumns("x")}, x.row as stored from (
      select j.*, case when t.ctid is not null then
        (select to_jsonb(r.*) from (select ${storedColumns(spec, shape, columns)}) r) end as row
        from ${journalBesideRows(spec, shape, undone)} where ${pairStateSql(spec, shape, columns)} in ('other', 'gone', 'new')
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

/** Pairs of journal entries `j` of the run and rows `t` as they are. */
export function journalBesideRows(
  spec: CutoverSpec,
  shape: TableShape,
  undone: Run,
  // Without a type column, rows that no run wrote do not matter.
  join: "left" | "full" = spec.table.type === undefined ? "left" : "full",
): string {
  return `(select * from mcp_cutover.journal where run_id = ${literal(undone.runId)} and kind = 'row'
      and action <> 'late') j ${join} join ${shape.rows} t
      on ${sameKey(spec.table.key, "t", "j.key_after")}`;
}

/** The state of a pair. `new` and `foreign` have no entry, `gone` has no row. */
export function pairStateSql(
  spec: CutoverSpec,
  shape: TableShape,
  columns: readonly string[],
): string {
  const same = columns
    .filter((name) => name !== spec.table.updatedAt)
    .map((name) => `and ${isAsLeftSql(name)}`);
  return `case when j.entry is null then case when ${isOwnSql(spec)} then 'new' else 'foreign' end
    when t.ctid is null then 'gone' when j.action = 'unchanged' then 'unchanged'
    when j.action = 'rewrite' and j.config_type = ${literal(shape.configType)} and ${isOwnSql(spec)}
      and t.${ident(spec.table.config)}::text = j.after_config ${same.join(" ")} then 'written'
    else 'other' end`;
}

interface StateGroup {
  readonly match: string | null;
  readonly state: "written" | "unchanged" | "other" | "gone" | "new";
  readonly count: string;
  readonly bytes: string | null;
  readonly example: string | null;
}

async function countStates(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  undone: Run,
  columns: readonly string[],
): Promise<StateGroup[]> {
  const match = serverColumnSql(spec);
  const { rows } = await client.query<StateGroup>(
    `with groups as materialized (
      select match, state, count(*)::text as count, sum(bytes)::text as bytes, min(example) as example from (
       select case when t.ctid is not null and j.entry is not null then ${match} end as match,
         ${pairStateSql(spec, shape, columns)} as state, pg_column_size(t.${ident(spec.table.config)}) as bytes,
         j.entry || ' ' || t.tableoid || ' ' || t.ctid as example
       from ${journalBesideRows(spec, shape, undone)}) x
      where state <> 'foreign' group by match, state)
    select * from groups order by match, state`,
  );
  return rows;
}

/** The change of a group, described by one of its rows. */
async function describeExample(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  undone: Run,
  columns: readonly string[],
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
  const { changes } = planUndo({
    spec,
    configType: shape.configType,
    rows,
    entries: entries.rows,
  });
  const [change] = changes;
  if (change === undefined) throw new EngineError("a journal entry has nothing to undo");
  return change;
}
