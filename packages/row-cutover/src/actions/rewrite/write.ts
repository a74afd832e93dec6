import { setColumns } from "../../decide/layout";
import type { ForwardStep } from "../../decide/steps";
import { writesBlocked } from "../../postgres/assertions";
import { columnOf, columnsAsText, timeNow } from "../../postgres/columns";
import {
  afterColumnSql,
  afterDocumentSql,
  afterTextSql,
  specColumns,
  specRecord,
} from "../../postgres/documents-sql";
import { EngineError } from "../../postgres/errors";
import { ident, keyArray, literal } from "../../postgres/identifiers";
import type { TableShape } from "../../postgres/table";
import type { ForwardRun } from "../action";
import { finderOf, type RowFinder } from "./row-finder";

/** Steps as a relation `d`, to be joined with their rows `t`. */
function stepColumns({ columns }: RowFinder): string {
  return `${specColumns}, action text, carry boolean, ${columns}`;
}

/** Journals before- and after-images in one statement. The database computes them from the rows as they are. */
export async function journalRows(run: ForwardRun, steps: readonly ForwardStep[]): Promise<void> {
  if (steps.length === 0) return;
  const done = await run.client.query(journalStatement(run, steps));
  const expected = countOf(steps);
  if (done.rowCount !== expected)
    throw new EngineError(`${done.rowCount ?? 0} rows were journalled instead of ${expected}`);
}

/** Writes the rows in one UPDATE, with the values that were journalled. */
export async function writeRows(run: ForwardRun, all: readonly ForwardStep[]): Promise<void> {
  const steps = all.filter(({ action }) => action === "rewrite");
  if (steps.length === 0) return;
  const done = await run.client.query(updateStatement(run, steps));
  // The journal has them all, so the statement found them and a trigger prevented the write.
  const expected = countOf(steps);
  if (done.rowCount !== expected)
    throw writesBlocked(run.shape, "written", done.rowCount ?? 0, expected);
}

/**
 * Lets the server plan both statements before the table is locked. A session's first use of tables and functions fills
 * its caches, which takes longer than the planning.
 */
export async function rehearse(run: ForwardRun, all: readonly ForwardStep[]): Promise<void> {
  // The statements are the same for any number of steps.
  const steps = all.filter(({ action }) => action === "rewrite").slice(0, 1);
  if (steps.length === 0) return;
  await Promise.all(
    [journalStatement(run, steps), updateStatement(run, steps)].map(({ text, values }) =>
      run.client.query(`explain ${text}`, values),
    ),
  );
}

interface Statement {
  readonly text: string;
  readonly values: string[];
}

function journalStatement(run: ForwardRun, steps: readonly ForwardStep[]): Statement {
  const { shape, spec, runId, previous } = run;
  const { table } = spec;
  const found = keyArray(table.key, "t");
  const after = `coalesce(d.key_after, ${found})`;
  const config = `t.${ident(table.config)}`;
  // Three copies of the same key would be a large part of a big journal.
  const finder = finderOf(steps);
  const same = finder.keepsKeys ? "null" : found;
  const carries = previous !== undefined && steps.some(({ carry }) => carry);
  return {
    text: `with d as materialized (
       select *, target::text as target_text from jsonb_to_recordset($3::jsonb) as d(${stepColumns(finder)}))
     insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
       before_config, after_config, before_columns, after_columns)
     select $1::uuid, 'row', coalesce(case when p.action in ('seed', 'rewrite') then p.action end, d.action),
            ${same}, coalesce(p.key_before, ${same}), ${after},
            ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`},
            case when p.entry is null then $2 else p.config_type end,
            case when p.entry is null then ${config}::text else p.before_config end,
            case when d.action = 'unchanged' then ${config}::text else ${afterTextSql(shape)} end,
            ${columnsBefore(run)}${carries ? " || coalesce(p.before_columns, '{}')" : ""}, ${columnsAfter(run, steps)}
       from d
       join ${shape.name} t on ${finder.join(spec, shape)}
       left join mcp_cutover.journal p on ${
         carries
           ? `d.carry and p.run_id = ${literal(previous.runId)} and p.kind = 'row' and p.action not in ('merge', 'late') and p.key_after = ${after}`
           : "false"
       }
      ${finder.keepsKeys ? "" : "order by 6"}`,
    values: [runId, shape.configType, recordsOf(steps)],
  };
}

function updateStatement(run: ForwardRun, steps: readonly ForwardStep[]): Statement {
  const { shape, spec } = run;
  const { table } = spec;
  const finder = finderOf(steps);
  const set = [
    `${ident(table.config)} = ${afterDocumentSql(shape)}`,
    ...(finder.keepsKeys ? [] : table.key.map((column, i) => renamed(shape, column, i))),
    ...setColumns(spec).map((name) => `${ident(name)} = ${afterColumnSql(shape, name)}`),
    ...(table.updatedAt === undefined
      ? []
      : [`${ident(table.updatedAt)} = ${timeNow(shape, table.updatedAt)}`]),
  ];
  return {
    text: `update ${shape.name} t set ${set.join(", ")}
       from jsonb_to_recordset($1::jsonb) as d(${stepColumns(finder)}) where ${finder.join(spec, shape)}`,
    values: [recordsOf(steps)],
  };
}

/** The number of rows that a statement has to write: those of the plan. */
function countOf(steps: readonly ForwardStep[]): number {
  return steps.reduce((sum, { count }) => sum + count, 0);
}

function recordsOf(steps: readonly ForwardStep[]): string {
  const finder = finderOf(steps);
  return JSON.stringify(
    steps.map((step) => ({
      ...specRecord(step.spec),
      path: step.path,
      json: step.json ?? null,
      action: step.action,
      carry: step.carry,
      ...finder.record(step),
    })),
  );
}

function renamed(shape: TableShape, column: string, i: number): string {
  return `${ident(column)} = d.key_after[${i + 1}]::${columnOf(shape, column).type}`;
}

/** The columns that the row's own entry sets, and the time. */
function columnsBefore({ spec }: ForwardRun): string {
  const { updatedAt } = spec.table;
  const set = setColumns(spec).map(
    (name) =>
      `|| case when d.set_values ? ${literal(name)} then ${columnsAsText([name], "t")} else '{}' end`,
  );
  return [columnsAsText(updatedAt === undefined ? [] : [updatedAt], "t"), ...set].join(" ");
}

function columnsAfter({ spec, shape }: ForwardRun, steps: readonly ForwardStep[]): string {
  const { updatedAt } = spec.table;
  const set = setColumns(spec).map(
    (name) =>
      `|| case when d.set_values ? ${literal(name)} then jsonb_build_object(${literal(name)}, (${afterColumnSql(shape, name)})::text) else '{}' end`,
  );
  const time =
    updatedAt === undefined
      ? "'{}'::jsonb"
      : steps.every(({ action }) => action === "rewrite")
        ? `(select jsonb_build_object(${literal(updatedAt)}, (${timeNow(shape, updatedAt)})::text))`
        : `jsonb_build_object(${literal(updatedAt)}, case when d.action = 'rewrite' then (${timeNow(shape, updatedAt)})::text else t.${ident(updatedAt)}::text end)`;
  return [time, ...set].join(" ");
}

/** Steps in one statement. */
export const rowsPerStatement = 2000;
