import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { parseDocument } from "./document";
import { ident, keyArray, literal } from "./identifiers";
import { keyId, keyName, keyOf, type KeyValues } from "./keys";
import type { Run } from "./ledger";
import type { ForwardPlan, ForwardStep } from "./plan-forward";
import { missingPrivilege } from "./preconditions";
import { foreignKeys, moveReferences, moveSoftReferences } from "./references";
import { readRows, type StoredRow } from "./rows";
import type { CutoverSpec } from "./spec";
import { columnOf, columnsAsText, setColumns, type TableShape } from "./table";
import { isTarget, ourKeys, stdioKeys, targetJson } from "./target-document";

/** What all steps of one run share. */
export interface ForwardRun {
  readonly client: Client;
  readonly spec: CutoverSpec;
  readonly shape: TableShape;
  readonly runId: string;
  readonly rows: ReadonlyMap<string, StoredRow>;
  /** The generation before, when it pointed into the cluster too. */
  readonly previous: Run | undefined;
  /** Rows that the same transaction wrote before. @default 0 */
  readonly touched?: number;
}

/** Journals and writes everything of a plan. @returns rows by action */
export async function applyForward(
  run: ForwardRun,
  plan: ForwardPlan,
): Promise<Record<string, number>> {
  const { steps } = plan;
  const of = (action: ForwardStep["action"]): ForwardStep[] =>
    steps.filter((step) => step.action === action);
  await checkRights(run, steps);
  await carryOver(run, steps);
  await journalRows(run, [...of("rewrite"), ...of("unchanged")]);
  await writeRows(run, of("rewrite"));
  let references = 0;
  for (const step of [...of("merge"), ...of("late")]) references += await mergeRow(run, step);
  for (const step of of("seed")) await seedRow(run, step);
  await assertTarget(run, steps);
  const counts: Record<string, number> = {};
  for (const { action } of steps) counts[action] = (counts[action] ?? 0) + 1;
  return references > 0 ? { ...counts, references } : counts;
}

async function checkRights(
  { client, shape, spec }: ForwardRun,
  steps: readonly ForwardStep[],
): Promise<void> {
  const name = `${shape.spec.schema}.${shape.spec.table}`;
  const removes = steps.some(({ action }) => action === "merge" || action === "late");
  const needed = [
    ...(removes ? (["delete", "insert"] as const) : []),
    ...(steps.some(({ action }) => action === "seed") ? (["insert"] as const) : []),
  ];
  const missing = [...new Set(needed)].filter((right) => !shape.privileges[right]);
  if (missing.length > 0) throw missingPrivilege(name, missing);
  if (removes && spec.table.id === undefined) {
    throw new UserError(
      "Two rows of the same server have to be merged, and the column that references point to is not known.",
      "Set [cutover.table.id].",
    );
  }
  const renames = steps.some(
    ({ action, keyFound, keyAfter }) =>
      action === "rewrite" && keyFound !== undefined && keyId(keyFound) !== keyId(keyAfter),
  );
  if (!renames) return;
  const byKey = (await foreignKeys(client, shape)).find(
    ({ target, cascades }) => spec.table.key.includes(target) && !cascades,
  );
  if (byKey === undefined) return;
  throw new UserError(
    `The table ${byKey.schema}.${byKey.table} refers to the column ${byKey.target}, whose value has to change, and its foreign key does not pass changes on.`,
    "Declare the foreign key ON UPDATE CASCADE, or list the older key in [cutover.skip].",
  );
}

/** What an undo of the generation before would do beside restoring rows, an undo of this one has to do too. */
async function carryOver(
  { client, previous, runId }: ForwardRun,
  steps: readonly ForwardStep[],
): Promise<void> {
  if (previous === undefined) return;
  const touched = steps
    .filter(({ action }) => action !== "merge" && action !== "late")
    .map(({ keyAfter }) => keyAfter);
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
       before_config, after_config, before_columns, after_columns, before_row, detail)
     select $1, kind, action, key_found, key_before, key_after, row_id, config_type,
            before_config, after_config, before_columns, after_columns, before_row, detail
       from mcp_cutover.journal j
      where j.run_id = $2 and j.action <> 'late'
        and (j.kind <> 'row' or j.action = 'merge' or j.key_after not in (
          select array(select jsonb_array_elements_text(k)) from jsonb_array_elements($3::jsonb) k))
      order by j.entry`,
    [runId, previous.runId, JSON.stringify(touched)],
  );
}

/** Writes before- and after-images in one statement, computed by the database from the rows as they are. */
async function journalRows(run: ForwardRun, steps: readonly ForwardStep[]): Promise<void> {
  if (steps.length === 0) return;
  const { client, shape, spec, runId } = run;
  const { table } = spec;
  const columns = setColumns(spec);
  const updated = table.updatedAt === undefined ? [] : [table.updatedAt];
  const before = columnsAsText([...columns, ...updated], "t");
  const after = columns.map((name) => {
    const value = `case when d.set_values ? ${literal(name)} then (d.set_values ->> ${literal(name)})::${columnOf(shape, name).type}::text else t.${ident(name)}::text end`;
    return `${literal(name)}, ${value}`;
  });
  const afterTime = updated.map(
    (name) =>
      `${literal(name)}, case when d.action = 'rewrite' then now()::${columnOf(shape, name).type}::text else t.${ident(name)}::text end`,
  );
  const written = `(select coalesce(jsonb_object_agg(e.key, e.value), '{}') from jsonb_each(COLUMNS) e where d.set_values ? e.key or e.key = any(d.always))`;
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
       before_config, after_config, before_columns, after_columns)
     select $1::uuid, 'row', coalesce(d.journal_action, d.action), d.key_found, coalesce(p.key_before, d.key_found), d.key_after,
            ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`},
            case when p.entry is null then $2 else p.config_type end,
            case when p.entry is null then t.${ident(table.config)}::text else p.before_config end,
            case when d.action = 'unchanged' then t.${ident(table.config)}::text
                 else (${afterDocument(shape)})::${shape.configType}::text end,
            ${written.replace("COLUMNS", before)} || coalesce(p.before_columns, '{}'),
            ${written.replace("COLUMNS", `jsonb_build_object(${[...after, ...afterTime].join(", ")})`)}
       from jsonb_to_recordset($3::jsonb) as d(action text, journal_action text, key_found text[], key_after text[],
              ours text, keep text[], keep_all boolean, path text[], json text, set_values jsonb, always text[], carried bigint)
       join ${shape.name} t on ${keyArray(table.key, "t")} = d.key_found
       left join mcp_cutover.journal p on p.run_id = $4::uuid and p.entry = d.carried
      order by d.key_after`,
    [
      runId,
      shape.configType,
      JSON.stringify(steps.map((step) => recordOf(step, updated))),
      run.previous?.runId ?? null,
    ],
  );
}

function recordOf(step: ForwardStep, always: readonly string[]): object {
  const { spec } = step;
  // Undoing a row that we made means removing it, also when a later generation rewrote it.
  const action =
    step.carried?.action === "seed"
      ? "seed"
      : step.carried?.action === "rewrite"
        ? "rewrite"
        : undefined;
  return {
    action: step.action,
    journal_action: action ?? null,
    key_found: step.keyFound,
    key_after: step.keyAfter,
    ours: targetJson(spec),
    keep: spec.keep === "all" ? [] : (spec.keep ?? []),
    keep_all: spec.keep === "all",
    path: step.path,
    json: step.json ?? null,
    set_values: spec.set ?? {},
    always,
    carried: step.carried?.entry ?? null,
  };
}

/**
 * The new document in SQL: ours, then what is kept of the old one. `json` keeps the text of each kept value, and
 * so big numbers, order and repeated keys; `jsonb` keeps numbers.
 */
function afterDocument(shape: TableShape): string {
  const config = `t.${ident(shape.spec.config)}`;
  const ours = literalArray(["url", "transport", "headers"]);
  const stdio = literalArray(stdioKeys);
  const kept = `(e.key <> all(${ours}) and (d.keep_all and e.key <> all(${stdio}) or e.key = any(d.keep)))`;
  const source = `case when d.json is not null then d.json::json
    when cardinality(d.path) > 0 then ${config}::json #> d.path else ${config}::json end`;
  return `case when not d.keep_all and cardinality(d.keep) = 0 then d.ours
    else left(d.ours, -1) || coalesce((select string_agg(',' || to_json(e.key)::text || ':' || e.value::text, '')
      from json_each(${source}) e where ${kept}), '') || '}' end`;
}

function literalArray(values: readonly string[]): string {
  return `array[${values.map((value) => literal(value)).join(", ")}]::text[]`;
}

/** One set-based UPDATE from the journal. */
async function writeRows(run: ForwardRun, steps: readonly ForwardStep[]): Promise<void> {
  if (steps.length === 0) return;
  const { client, shape, spec, runId } = run;
  const { table } = spec;
  const set = [
    `${ident(table.config)} = j.after_config::${shape.configType}`,
    ...table.key.map(
      (column, i) => `${ident(column)} = j.key_after[${i + 1}]::${columnOf(shape, column).type}`,
    ),
    ...setColumns(spec).map(
      (name) =>
        `${ident(name)} = case when j.after_columns ? ${literal(name)} then (j.after_columns ->> ${literal(name)})::${columnOf(shape, name).type} else t.${ident(name)} end`,
    ),
    ...(table.updatedAt === undefined ? [] : [`${ident(table.updatedAt)} = now()`]),
  ];
  const done = await client.query(
    `update ${shape.name} t set ${set.join(", ")} from mcp_cutover.journal j
      where j.run_id = $1 and j.kind = 'row' and j.key_found = any (
          select array(select jsonb_array_elements_text(k)) from jsonb_array_elements($2::jsonb) k)
        and j.action in ('rewrite', 'seed') and ${keyArray(table.key, "t")} = j.key_found`,
    [runId, JSON.stringify(steps.map((step) => step.keyFound))],
  );
  if (done.rowCount !== steps.length) {
    throw new Error(`${done.rowCount ?? 0} rows were written instead of ${steps.length}`);
  }
}

/** Moves what refers to an older row of the same server to the one that stays, and deletes the older one. */
async function mergeRow(run: ForwardRun, step: ForwardStep): Promise<number> {
  const { client, shape, spec, runId } = run;
  const { table } = spec;
  const found = step.keyFound ?? [];
  const columns = [...shape.columns.keys()];
  const rows = await client.query<{
    key: KeyValues;
    row: Record<string, string | null>;
    config: string;
  }>(
    `select ${keyArray(table.key, "t")} as key, ${columnsAsText(columns, "t")} as row, t.${ident(table.config)}::text as config
       from ${shape.name} t where ${keyArray(table.key, "t")} in ($1::text[], $2::text[])`,
    [found, step.keyAfter],
  );
  const old = rows.rows.find((row) => keyId(row.key) === keyId(found));
  const survivor = rows.rows.find((row) => keyId(row.key) === keyId(step.keyAfter));
  if (old === undefined || survivor === undefined) {
    throw new Error(`the rows ${keyName(found)} and ${keyName(step.keyAfter)} were not both there`);
  }
  const journal = step.action === "late" ? undefined : runId;
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
       before_config, before_row)
     values ($1, 'row', $2, $3, $3, $4, $5, $6, $7, $8)`,
    [
      runId,
      step.action,
      found,
      step.keyAfter,
      table.id === undefined ? null : old.row[table.id],
      shape.configType,
      old.config,
      JSON.stringify(old.row),
    ],
  );
  const move = { from: old.row, to: survivor.row };
  let moved = await moveReferences(client, await foreignKeys(client, shape), move, journal);
  moved += await moveSoftReferences(client, spec, move, journal);
  await client.query(`delete from ${shape.name} t where ${keyArray(table.key, "t")} = $1::text[]`, [
    found,
  ]);
  return moved;
}

async function seedRow(run: ForwardRun, step: ForwardStep): Promise<void> {
  const { client, shape, spec, runId } = run;
  const { table } = spec;
  const { seed, set } = step.spec;
  const values: Record<string, string | null> = {
    ...(table.updatedAt === undefined ? {} : { [table.updatedAt]: "now" }),
    ...seed?.values,
    ...set,
    ...(table.type === undefined ? {} : { [table.type.column]: table.type.value }),
    [table.config]: targetJson(step.spec),
    ...Object.fromEntries(table.key.map((column, i) => [column, step.keyAfter[i] ?? ""])),
  };
  const names = Object.keys(values);
  await client.query(
    `insert into ${shape.name} (${names.map(ident).join(", ")})
     values (${names.map((name, i) => `$${i + 1}::text::${columnOf(shape, name).type}`).join(", ")})`,
    Object.values(values),
  );
  const owned = Object.keys(set ?? {});
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_after, row_id, config_type, after_config, after_columns)
     select $1, 'row', 'seed', ${keyArray(table.key, "t")}, ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`},
            $2, t.${ident(table.config)}::text, ${columnsAsText(owned, "t")}
       from ${shape.name} t where ${keyArray(table.key, "t")} = $3::text[]`,
    [runId, shape.configType, step.keyAfter],
  );
}

/** Reads everything back: the rows are what they should be, and no other row of the table was touched. */
async function assertTarget(run: ForwardRun, steps: readonly ForwardStep[]): Promise<void> {
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
