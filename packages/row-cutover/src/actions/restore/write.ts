import { UserError } from "@mcp-fleet/errors";

import { keyName, listed } from "../../decide/keys";
import { rulesOf } from "../../decide/layout";
import type { UndoStep } from "../../decide/steps";
import { triggerFix, writesBlocked } from "../../postgres/assertions";
import { columnOf, columnsAsText } from "../../postgres/columns";
import { EngineError } from "../../postgres/errors";
import { ident, literal, sameKey } from "../../postgres/identifiers";
import type { TableShape } from "../../postgres/table";
import { isAsLeftSql } from "../../store/journal";
import type { Undone, UndoRun } from "../action";

/** Steps in one statement. */
const stepsPerStatement = 2000;

/** Restores rows that were compared one by one, and journals those that stay. */
export async function restoreRows(run: UndoRun, steps: readonly UndoStep[]): Promise<Undone> {
  for (let at = 0; at < steps.length; at += stepsPerStatement)
    await restoreSteps(run, steps.slice(at, at + stepsPerStatement));
  const restored = steps.filter(({ action }) => action === "restore").length;
  return { written: restored, added: 0, counts: { restore: restored }, warnings: [] };
}

/** The same for some of them, in one statement. */
export async function restoreSteps(run: UndoRun, steps: readonly UndoStep[]): Promise<void> {
  if (steps.length === 0) return;
  const { shape, undone, columns } = run;
  await restore(
    run,
    `jsonb_to_recordset($3::jsonb) as d(entry bigint, action text, key_found text[], part oid, tid tid, mode text, path text[], json text)
       join mcp_cutover.journal j on j.run_id = ${literal(undone.runId)} and j.entry = d.entry
       join ${shape.name} t on t.ctid = d.tid and t.tableoid = d.part
       cross join lateral (${columnsNow(columns)}) n
      order by d.key_found`,
    {
      journalled: steps.length,
      restored: steps.filter(({ action }) => action === "restore").length,
    },
    [
      JSON.stringify(
        steps.map(({ entry, action, keyFound, at, mode, path, json }) => ({
          entry: entry.entry,
          action,
          key_found: keyFound,
          ...at,
          mode,
          path,
          json: json ?? null,
        })),
      ),
    ],
  );
}

/** The columns as they are. `offset 0` makes the server compute them once for each row. */
export function columnsNow(columns: readonly string[]): string {
  return `select ${columnsAsText(columns, "t")} as now offset 0`;
}

/** The row counts that a statement has to reach. */
interface Expected {
  readonly journalled: number;
  readonly restored: number;
}

/**
 * Writes the undo's own journal and the rows in one statement. Both come from the same images, which are computed once.
 * `from` has the rows `t`, their entries `j` of the run that is undone, and the steps `d`.
 */
export async function restore(
  run: UndoRun,
  from: string,
  { journalled, restored }: Expected,
  values: readonly string[] = [],
): Promise<void> {
  const { client, shape, spec, runId, columns } = run;
  const { table } = spec;
  const now = "n.now";
  // Where rows are not renamed, the journal needs each key only once, which saves much of a large journal.
  const renamed = rulesOf(table).movesRows;
  const time = table.updatedAt === undefined ? "null" : literal(table.updatedAt);
  // If the row was written by others since, that time stays.
  const before = `case when j.before_columns ? ${time} and j.after_columns ->> ${time} is distinct from ${now} ->> ${time}
    then j.before_columns || jsonb_build_object(${time}, ${now} ->> ${time}) else coalesce(j.before_columns, '{}') end`;
  const set = [
    `${ident(table.config)} = i.after_config::${shape.configType}`,
    ...(renamed ? table.key : []).map(
      (column, n) => `${ident(column)} = i.key_after[${n + 1}]::${columnOf(shape, column).type}`,
    ),
    ...columns.map(
      (name) =>
        `${ident(name)} = case when i.after_columns ? ${literal(name)} then (i.after_columns ->> ${literal(name)})::${columnOf(shape, name).type} else t.${ident(name)} end`,
    ),
  ];
  const found = await client.query<{ journalled: number; restored: number }>(
    `with images as materialized (
       select t.tableoid as part, t.ctid as tid, d.action, ${renamed ? "d.key_found" : "null::text[]"} as key_found,
         case when d.action = 'restore' then coalesce(j.key_before, d.key_found) else d.key_found end as key_after,
         ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`} as row_id, t.${ident(table.config)}::text as before_config,
         case when d.action = 'restore' and d.mode = 'exact' and j.config_type = $2 then j.before_config
              when d.action = 'restore' then (${restoredDocument(shape)})::${shape.configType}::text
              else t.${ident(table.config)}::text end as after_config,
         ${now} as before_columns,
         case when d.action = 'restore' then ${table.updatedAt === undefined ? "coalesce(j.before_columns, '{}')" : before} else ${now} end as after_columns
       from ${from}),
     journalled as (
       insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
         before_config, after_config, before_columns, after_columns)
       select $1::uuid, 'row', action, key_found, key_found, key_after, row_id, $2, before_config, after_config,
         before_columns, after_columns
         from images returning 1),
     restored as (
       update ${shape.name} t set ${set.join(", ")} from images i
        where i.action = 'restore' and t.ctid = i.tid and t.tableoid = i.part returning 1)
     select (select count(*) from journalled)::int as journalled, (select count(*) from restored)::int as restored`,
    [runId, shape.configType, ...values],
  );
  const done = found.rows[0];
  if (done?.journalled === journalled && done.restored !== restored)
    throw writesBlocked(shape, "restored", done.restored, restored);
  if (done?.journalled !== journalled || done.restored !== restored) {
    throw new EngineError(
      `${done?.journalled ?? 0} rows were journalled and ${done?.restored ?? 0} restored instead of ${journalled} and ${restored}`,
    );
  }
}

/** The old document: as journalled, converted, or merged with what was added since. */
function restoredDocument(shape: TableShape): string {
  const current = `t.${ident(shape.spec.config)}::jsonb`;
  const before = "coalesce(d.json::jsonb, j.before_config::jsonb #> d.path)";
  const inner =
    shape.configType === "json"
      ? "coalesce(d.json::json, j.before_config::json #> d.path)"
      : before;
  const changed = `(select coalesce(array_agg(k), '{}') from (
    select jsonb_object_keys(${before}) union select jsonb_object_keys(j.after_config::jsonb)) keys(k)
    where ${before} -> k is distinct from j.after_config::jsonb -> k)`;
  const old = `(select coalesce(jsonb_object_agg(e.key, e.value), '{}') from jsonb_each(${before}) e
    where e.value is distinct from j.after_config::jsonb -> e.key)`;
  return `case d.mode when 'exact' then j.before_config when 'converted' then (${inner})::text
    else ((${current} - ${changed}) || ${old})::text end`;
}

/** Reads the rows back and compares them with the journal. @throws UserError that lists the differing rows */
export async function assertRestored(
  { client, shape, runId, columns }: UndoRun,
  restored: number,
): Promise<void> {
  // The time is not compared, since a trigger may set it.
  const others = columns
    .filter((name) => name !== shape.spec.updatedAt)
    .map((name) => `or not ${isAsLeftSql(name)}`);
  const found = await client.query<{ key: string[] }>(
    `select j.key_after as key from mcp_cutover.journal j
       left join ${shape.rows} t on ${sameKey(shape.spec.key, "t", "j.key_after")}
      where j.run_id = $1 and j.kind = 'row' and j.action = 'restore'
        and (t.${ident(shape.spec.config)}::text is distinct from j.after_config ${others.join(" ")}) limit 1000`,
    [runId],
  );
  const keys = found.rows.map(({ key }) => keyName(key));
  if (keys.length === 0) return;
  throw new UserError(
    `${keys.length} of ${restored} rows were not stored as restored (${listed(keys)}): a trigger or rule of the table changed them; nothing was committed.`,
    triggerFix(shape),
  );
}
