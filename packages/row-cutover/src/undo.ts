import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { assertTouched } from "./assertions";
import { EngineError } from "./errors";
import { ident, keyArray, literal } from "./identifiers";
import { readReferenceEntries } from "./journal";
import { keyName } from "./keys";
import type { Run } from "./ledger";
import type { UndoPlan, UndoStep } from "./plan-undo";
import { foreignKeys } from "./references";
import type { CutoverSpec } from "./spec";
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

/** Writes everything of an undo. @returns rows by action */
export async function applyUndo(
  run: UndoRun,
  plan: UndoPlan,
): Promise<{ counts: Record<string, number>; warnings: string[] }> {
  const { client, shape } = run;
  const warnings: string[] = [];
  const of = (action: UndoStep["action"]): UndoStep[] =>
    plan.steps.filter((step) => step.action === action);
  const columns = restoredColumns(plan);
  for (const name of columns) columnOf(shape, name);
  await journalUndo(run, [...of("restore"), ...of("unchanged")], columns);
  await writeBack(run, of("restore"), columns);
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
  await assertRestored(run, of("restore"));
  const restored = of("restore").length;
  const inserted = of("insert").length;
  await assertTouched(client, shape, restored + inserted);
  const counts: Record<string, number> = {};
  const add = (name: string, count: number): void => {
    if (count > 0) counts[name] = count;
  };
  add("restore", restored);
  add("insert", inserted);
  add("remove", removed);
  add("unchanged", plan.changes.filter(({ action }) => action === "unchanged").length);
  add("conflict", plan.changes.filter(({ action }) => action === "conflict").length);
  add("references", references.restored);
  return { counts, warnings };
}

/** The columns beside the document that an undo writes. */
export function restoredColumns(plan: UndoPlan): string[] {
  return [...new Set(plan.steps.flatMap(({ entry }) => Object.keys(entry.beforeColumns)))].sort();
}

/** The undo's own journal: what was there, and what the fence holds from now on. */
async function journalUndo(
  run: UndoRun,
  steps: readonly UndoStep[],
  columns: readonly string[],
): Promise<void> {
  if (steps.length === 0) return;
  const { client, shape, spec, runId, undone } = run;
  const { table } = spec;
  const now = columnsAsText(columns, "t");
  const time = table.updatedAt === undefined ? "null" : literal(table.updatedAt);
  // Somebody else's later touch of the row keeps its time.
  const restored = `case when f.before_columns ? ${time} and f.after_columns ->> ${time} is distinct from ${now} ->> ${time}
    then f.before_columns || jsonb_build_object(${time}, ${now} ->> ${time}) else coalesce(f.before_columns, '{}') end`;
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
       before_config, after_config, before_columns, after_columns)
     select $1::uuid, 'row', d.action, d.key_found, d.key_found,
            case when d.action = 'restore' then coalesce(f.key_before, d.key_found) else d.key_found end,
            ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`}, $2, t.${ident(table.config)}::text,
            case when d.action = 'restore' then (${restoredDocument(shape)})::${shape.configType}::text
                 else t.${ident(table.config)}::text end,
            ${now}, case when d.action = 'restore' then ${table.updatedAt === undefined ? "coalesce(f.before_columns, '{}')" : restored} else ${now} end
       from jsonb_to_recordset($3::jsonb) as d(entry bigint, action text, key_found text[], mode text, path text[], json text)
       join mcp_cutover.journal f on f.run_id = $4::uuid and f.entry = d.entry
       join ${shape.name} t on ${keyArray(table.key, "t")} = d.key_found
      order by d.key_found`,
    [
      runId,
      shape.configType,
      JSON.stringify(
        steps.map(({ entry, action, keyFound, mode, path, json }) => ({
          entry: entry.entry,
          action,
          key_found: keyFound,
          mode,
          path,
          json: json ?? null,
        })),
      ),
      undone.runId,
    ],
  );
}

/** The old document in SQL: as the journal has it, or converted, or merged with what was added since. */
function restoredDocument(shape: TableShape): string {
  const current = `t.${ident(shape.spec.config)}::jsonb`;
  const before = "coalesce(d.json::jsonb, f.before_config::jsonb #> d.path)";
  const inner =
    shape.configType === "json"
      ? "coalesce(d.json::json, f.before_config::json #> d.path)"
      : before;
  const changed = `(select coalesce(array_agg(k), '{}') from (
    select jsonb_object_keys(${before}) union select jsonb_object_keys(f.after_config::jsonb)) keys(k)
    where ${before} -> k is distinct from f.after_config::jsonb -> k)`;
  const old = `(select coalesce(jsonb_object_agg(e.key, e.value), '{}') from jsonb_each(${before}) e
    where e.value is distinct from f.after_config::jsonb -> e.key)`;
  return `case d.mode when 'exact' then f.before_config when 'converted' then (${inner})::text
    else ((${current} - ${changed}) || ${old})::text end`;
}

async function writeBack(
  run: UndoRun,
  steps: readonly UndoStep[],
  columns: readonly string[],
): Promise<void> {
  if (steps.length === 0) return;
  const { client, shape, spec, runId } = run;
  const { table } = spec;
  const set = [
    `${ident(table.config)} = j.after_config::${shape.configType}`,
    ...table.key.map(
      (column, i) => `${ident(column)} = j.key_after[${i + 1}]::${columnOf(shape, column).type}`,
    ),
    ...columns.map(
      (name) =>
        `${ident(name)} = case when j.after_columns ? ${literal(name)} then (j.after_columns ->> ${literal(name)})::${columnOf(shape, name).type} else t.${ident(name)} end`,
    ),
  ];
  const done = await client.query(
    `update ${shape.name} t set ${set.join(", ")} from mcp_cutover.journal j
      where j.run_id = $1 and j.kind = 'row' and j.action = 'restore' and ${keyArray(table.key, "t")} = j.key_found`,
    [runId],
  );
  if (done.rowCount !== steps.length) {
    throw new EngineError(`${done.rowCount ?? 0} rows were restored instead of ${steps.length}`);
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
async function assertRestored(
  { client, shape, runId }: UndoRun,
  steps: readonly UndoStep[],
): Promise<void> {
  const found = await client.query<{ key: string[] }>(
    `select j.key_after as key from mcp_cutover.journal j
       left join ${shape.name} t on ${keyArray(shape.spec.key, "t")} = j.key_after
      where j.run_id = $1 and j.kind = 'row' and j.action = 'restore'
        and t.${ident(shape.spec.config)}::text is distinct from j.after_config`,
    [runId],
  );
  const keys = found.rows.map(({ key }) => keyName(key));
  if (keys.length === 0) return;
  throw new UserError(
    `${keys.length} of ${steps.length} rows did not become what was restored (${keys.join(", ")}): a trigger or rule of the table changed them; nothing was committed.`,
    "Look at the triggers of the table.",
  );
}
