import type { Client } from "pg";

import { EngineError } from "./errors";
import { ident, literal } from "./identifiers";
import type { Run } from "./ledger";
import type { UndoServers, UndoStep } from "./plan-undo";
import { otherRows, pairs, stateOf } from "./plan-undo-classes";
import type { CutoverSpec } from "./spec";
import { columnsAsText, type TableShape } from "./table";

/** What all steps of an undo share. */
export interface UndoRun {
  readonly client: Client;
  readonly spec: CutoverSpec;
  readonly shape: TableShape;
  readonly runId: string;
  /** The run that is taken back. */
  readonly undone: Run;
}

/** Rows as they were written by SQL alone; the others read again, since nobody could write them in between. */
export async function journalServers(
  run: UndoRun,
  servers: UndoServers,
  columns: readonly string[],
): Promise<void> {
  const { client, shape, spec, undone } = run;
  const written = await insertEntries(
    run,
    `${pairs(spec, shape, undone, "inner")}
       cross join lateral (select case when j.action = 'unchanged' then 'unchanged' else 'restore' end as action,
         j.key_after as key_found, 'exact' as mode, '{}'::text[] as path, null::text as json) d
       cross join lateral (${columnsNow(columns)}) n
      where ${stateOf(spec, shape, columns)} in ('written', 'unchanged')`,
    [],
    "null",
  );
  let others = 0;
  if (servers.restore + servers.kept > 0) {
    for await (const { plan } of otherRows(client, spec, shape, undone, columns)) {
      await journalUndo(run, plan.steps, columns);
      others += plan.steps.length;
    }
  }
  const expected = [servers.written + servers.unchanged, servers.restore + servers.kept];
  if (written !== expected[0] || others !== expected[1]) {
    throw new EngineError(
      `${written} and ${others} rows were journalled instead of ${expected.join(" and ")}`,
    );
  }
}

/** The undo's own journal: what was there, and what the fence holds from now on. */
export async function journalUndo(
  run: UndoRun,
  steps: readonly UndoStep[],
  columns: readonly string[],
): Promise<void> {
  if (steps.length === 0) return;
  const { shape, undone } = run;
  await insertEntries(
    run,
    `jsonb_to_recordset($3::jsonb) as d(entry bigint, action text, key_found text[], part oid, tid tid, mode text, path text[], json text)
       join mcp_cutover.journal j on j.run_id = ${literal(undone.runId)} and j.entry = d.entry
       join ${shape.name} t on t.ctid = d.tid and t.tableoid = d.part
       cross join lateral (${columnsNow(columns)}) n
      order by d.key_found`,
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

/** The columns as they are, made once for a row: `offset 0` keeps the planner from doing it at each mention. */
function columnsNow(columns: readonly string[]): string {
  return `select ${columnsAsText(columns, "t")} as now offset 0`;
}

/** Entries for rows `t`, their entries `j` of the run that is undone, and what is done with them, `d`. */
async function insertEntries(
  run: UndoRun,
  from: string,
  values: readonly string[],
  same = "d.key_found",
): Promise<number> {
  const { client, shape, spec, runId } = run;
  const { table } = spec;
  const now = "n.now";
  const time = table.updatedAt === undefined ? "null" : literal(table.updatedAt);
  // Somebody else's later touch of the row keeps its time.
  const restored = `case when j.before_columns ? ${time} and j.after_columns ->> ${time} is distinct from ${now} ->> ${time}
    then j.before_columns || jsonb_build_object(${time}, ${now} ->> ${time}) else coalesce(j.before_columns, '{}') end`;
  const done = await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
       before_config, after_config, before_columns, after_columns)
     select $1::uuid, 'row', d.action, ${same}, ${same},
            case when d.action = 'restore' then coalesce(j.key_before, d.key_found) else d.key_found end,
            ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`}, $2, t.${ident(table.config)}::text,
            case when d.action = 'restore' and d.mode = 'exact' and j.config_type = $2 then j.before_config
                 when d.action = 'restore' then (${restoredDocument(shape)})::${shape.configType}::text
                 else t.${ident(table.config)}::text end,
            ${now}, case when d.action = 'restore' then ${table.updatedAt === undefined ? "coalesce(j.before_columns, '{}')" : restored} else ${now} end
       from ${from}`,
    [runId, shape.configType, ...values],
  );
  return done.rowCount ?? 0;
}

/** The old document in SQL: as the journal has it, or converted, or merged with what was added since. */
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
