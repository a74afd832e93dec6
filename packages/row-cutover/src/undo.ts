import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { assertTouched } from "./assertions";
import { EngineError } from "./errors";
import type { Applied } from "./forward";
import { ident, keyArray, literal, sameKey } from "./identifiers";
import { countEntries, readReferenceEntries } from "./journal";
import { keyName } from "./keys";
import type { Run } from "./ledger";
import type { UndoPlan, UndoServers, UndoStep } from "./plan-undo";
import { otherRows, pairs, stateOf } from "./plan-undo-classes";
import { foreignKeys } from "./references";
import { listed } from "./refusals";
import type { CutoverSpec, RowChange } from "./spec";
import { columnOf, columnsAsText, type TableShape } from "./table";
import { undoReferences } from "./undo-references";

/** What all steps of an undo share. */
export interface UndoRun {
  readonly client: Client;
  readonly spec: CutoverSpec;
  readonly shape: TableShape;
  readonly runId: string;
  /** The run that is taken back. */
  readonly undone: Run;
}

/** Writes everything of an undo. */
export async function applyUndo(run: UndoRun, plan: UndoPlan): Promise<Applied> {
  const { client, shape } = run;
  const warnings: string[] = [];
  const of = (...actions: UndoStep["action"][]): UndoStep[] =>
    plan.steps.filter((step) => actions.includes(step.action));
  const { columns } = plan;
  for (const name of columns) columnOf(shape, name);
  const held = of("restore", "unchanged");
  for (let at = 0; at < held.length; at += batch)
    await journalUndo(run, held.slice(at, at + batch), columns);
  if (plan.servers !== undefined) await journalServers(run, plan.servers, columns);
  const restored = of("restore").length + restoredOf(plan.servers);
  await writeBack(run, restored, columns);
  for (const step of of("insert")) await insertAgain(run, step);
  const references = await undoReferences(client, await readReferenceEntries(client, run.undone));
  warnings.push(...references.warnings);
  let removed = 0;
  for (const step of of("remove")) {
    if (await removeSeed(run, step)) removed += 1;
    else {
      warnings.push(
        `The row ${keyName(step.keyFound)}, which the cutover made, is referenced by other rows now and stays.`,
      );
    }
  }
  const inserted = of("insert").length;
  const [, , journalRows] = await Promise.all([
    assertRestored(run, restored),
    assertTouched(client, shape, restored + inserted),
    countEntries(client, run.runId),
  ]);
  const counts: Record<string, number> = {};
  const changed = (wanted: RowChange["action"]): number =>
    plan.changes.reduce((sum, { action, count = 1 }) => sum + (action === wanted ? count : 0), 0);
  const add = (name: string, count: number): void => {
    if (count > 0) counts[name] = count;
  };
  add("restore", restored);
  add("insert", inserted);
  add("remove", removed);
  add("unchanged", changed("unchanged"));
  add("conflict", changed("conflict"));
  add("references", references.restored);
  return { counts, journalRows, warnings };
}

/** Steps in one statement. */
const batch = 2000;

function restoredOf(servers: UndoServers | undefined): number {
  return servers === undefined ? 0 : servers.written + servers.restore;
}

/** Rows as they were written by SQL alone; the others read again, since nobody could write them in between. */
async function journalServers(
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
async function journalUndo(
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

async function writeBack(
  run: UndoRun,
  restored: number,
  columns: readonly string[],
): Promise<void> {
  if (restored === 0) return;
  const { client, shape, spec, runId } = run;
  const { table } = spec;
  const set = [
    `${ident(table.config)} = j.after_config::${shape.configType}`,
    // Rows that a server has many of were not renamed.
    ...(table.match === undefined ? table.key : []).map(
      (column, i) => `${ident(column)} = j.key_after[${i + 1}]::${columnOf(shape, column).type}`,
    ),
    ...columns.map(
      (name) =>
        `${ident(name)} = case when j.after_columns ? ${literal(name)} then (j.after_columns ->> ${literal(name)})::${columnOf(shape, name).type} else t.${ident(name)} end`,
    ),
  ];
  const done = await client.query(
    `update ${shape.name} t set ${set.join(", ")} from mcp_cutover.journal j
      where j.run_id = $1 and j.kind = 'row' and j.action = 'restore' and ${sameKey(table.key, "t", "coalesce(j.key_found, j.key_after)")}`,
    [runId],
  );
  if (done.rowCount !== restored) {
    throw new EngineError(`${done.rowCount ?? 0} rows were restored instead of ${restored}`);
  }
}

/** Inserts a row that was merged into another one, every column as it was. */
async function insertAgain(run: UndoRun, { entry, path, json }: UndoStep): Promise<void> {
  const { client, shape, runId } = run;
  const row = entry.beforeRow ?? {};
  const written = [...shape.columns].filter(([name, { generated }]) => !generated && name in row);
  const values = written.map(([name, { type }]) =>
    name === shape.spec.config
      ? `$2::text::${shape.configType}`
      : `($1::jsonb ->> ${literal(name)})::${type}`,
  );
  const config = await configText(run, { entry, path, ...(json === undefined ? {} : { json }) });
  await client.query(
    `insert into ${shape.name} (${written.map(([name]) => ident(name)).join(", ")}) overriding system value
     values (${values.join(", ")})`,
    [JSON.stringify(row), config],
  );
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_after, row_id, config_type, after_config, after_columns)
     select $1, 'row', 'inserted', ${keyArray(shape.spec.key, "t")}, $2, $3, t.${ident(shape.spec.config)}::text, '{}'
       from ${shape.name} t where ${keyArray(shape.spec.key, "t")} = $4::text[]`,
    [runId, entry.rowId, shape.configType, entry.keyBefore],
  );
}

async function configText(
  { client, shape }: UndoRun,
  { entry, path, json }: Pick<UndoStep, "entry" | "path" | "json">,
): Promise<string | null> {
  if (entry.configType === shape.configType || shape.configType === "text")
    return entry.beforeConfig;
  if (json !== undefined || path.length === 0) return json ?? entry.beforeConfig;
  const inner = await client.query<{ text: string }>(
    "select ($1::json #> $2::text[])::text as text",
    [entry.beforeConfig, path],
  );
  return inner.rows[0]?.text ?? null;
}

/** @returns whether it could go: a row that others refer to by now stays */
async function removeSeed({ client, shape, runId }: UndoRun, step: UndoStep): Promise<boolean> {
  const key = keyArray(shape.spec.key, "t");
  for (const reference of await foreignKeys(client, shape)) {
    const used = await client.query(
      `select from ${ident(reference.schema)}.${ident(reference.table)} r
         join ${shape.name} t on t.${ident(reference.target)} = r.${ident(reference.column)}
        where ${key} = $1::text[] limit 1`,
      [step.keyFound],
    );
    if (used.rowCount !== 0) return false;
  }
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, config_type, before_row)
     select $1, 'row', 'removed', $2, $3, ${columnsAsText([...shape.columns.keys()], "t")}
       from ${shape.name} t where ${key} = $2::text[]`,
    [runId, step.keyFound, shape.configType],
  );
  await client.query(`delete from ${shape.name} t where ${key} = $1::text[]`, [step.keyFound]);
  return true;
}

/** Reads the rows back and compares them with the journal. */
async function assertRestored({ client, shape, runId }: UndoRun, restored: number): Promise<void> {
  const found = await client.query<{ key: string[] }>(
    `select j.key_after as key from mcp_cutover.journal j
       left join ${shape.name} t on ${sameKey(shape.spec.key, "t", "j.key_after")}
      where j.run_id = $1 and j.kind = 'row' and j.action = 'restore'
        and t.${ident(shape.spec.config)}::text is distinct from j.after_config limit 1000`,
    [runId],
  );
  const keys = found.rows.map(({ key }) => keyName(key));
  if (keys.length === 0) return;
  throw new UserError(
    `${keys.length} of ${restored} rows did not become what was restored (${listed(keys)}): a trigger or rule of the table changed them; nothing was committed.`,
    "Look at the triggers of the table.",
  );
}
