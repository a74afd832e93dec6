import type { Client } from "pg";

import { assertTarget } from "./assertions";
import { EngineError } from "./errors";
import { journalRows } from "./forward-journal";
import { ident, keyArray, literal } from "./identifiers";
import type { Run } from "./ledger";
import { mergeRow } from "./merge";
import type { ForwardPlan, ForwardStep } from "./plan-forward";
import type { StoredRow } from "./rows";
import { seedRow } from "./seed";
import type { CutoverSpec } from "./spec";
import { columnOf, setColumns, type TableShape } from "./table";

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

/** What an undo of the generation before would do beside restoring rows, an undo of this one has to do too. */
async function carryOver(
  { client, previous, runId }: ForwardRun,
  steps: readonly ForwardStep[],
): Promise<void> {
  if (previous === undefined || previous.finalizedAt !== undefined) return;
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
    throw new EngineError(`${done.rowCount ?? 0} rows were written instead of ${steps.length}`);
  }
}
