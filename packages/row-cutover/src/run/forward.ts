import type { Applied, ForwardRun } from "../actions/action";
import { mergeRow } from "../actions/merge/merge";
import { journalRows, rowsPerStatement, writeRows } from "../actions/rewrite/write";
import { seedRow } from "../actions/seed/seed";
import { countRows, type ForwardInput, type ForwardPlan, type ForwardStep } from "../decide/steps";
import { layoutOf } from "../layouts/layout-of";
import { assertTarget, finishDeferred } from "../postgres/assertions";
import { countEntries } from "../store/journal";

/** Journals and writes everything of a plan. */
export async function applyForward(
  run: ForwardRun,
  plan: ForwardPlan,
  input: ForwardInput,
): Promise<Applied> {
  const { client, spec, shape } = run;
  const { steps, withoutSteps } = plan;
  const of = (...actions: ForwardStep["action"][]): ForwardStep[] =>
    steps.filter((step) => actions.includes(step.action));
  const rows = of("rewrite", "unchanged");
  const merged = of("merge", "late");
  const seeds = of("seed");
  const counts = countRows(plan);
  const asserted = (): Promise<void> =>
    assertTarget(client, spec, shape, {
      written: (counts.rewrite ?? 0) + (counts.seed ?? 0) + (run.touched ?? 0),
      rows: run.rows + seeds.length - merged.length,
      configured: run.touched === undefined,
    });
  const others = merged.length + seeds.length + withoutSteps.rewrite + withoutSteps.unchanged;
  if (others === 0 && rows.length <= rowsPerStatement && run.previous === undefined) {
    // Sent at once: an answer that is waited for is time that writers wait too. The first refusal is the one thrown.
    const [, , , , entries] = await Promise.all([
      journalRows(run, rows),
      writeRows(run, rows),
      finishDeferred(client),
      asserted(),
      countEntries(client, run.runId),
    ]);
    return { counts, journalRows: entries, warnings: [] };
  }
  for (const some of inChunks(rows)) await journalRows(run, some);
  for (const some of inChunks(rows)) await writeRows(run, some);
  await layoutOf(spec).writeWithoutSteps(run, plan, input);
  await carryOver(run);
  let references = 0;
  for (const step of merged) references += await mergeRow(run, step);
  for (const step of seeds) await seedRow(run, step);
  const [, , entries] = await Promise.all([
    finishDeferred(client),
    asserted(),
    countEntries(client, run.runId),
  ]);
  return {
    counts: references > 0 ? { ...counts, references } : counts,
    journalRows: entries,
    warnings: [],
  };
}

function* inChunks(steps: readonly ForwardStep[]): Generator<readonly ForwardStep[]> {
  for (let at = 0; at < steps.length; at += rowsPerStatement)
    yield steps.slice(at, at + rowsPerStatement);
}

/** What an undo of the generation before would do beside restoring rows, an undo of this one has to do too. */
async function carryOver({ client, previous, runId }: ForwardRun): Promise<void> {
  if (previous === undefined || previous.finalizedAt !== undefined) return;
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
       before_config, after_config, before_columns, after_columns, before_row, detail)
     select $1, kind, action, key_found, key_before, key_after, row_id, config_type,
            before_config, after_config, before_columns, after_columns, before_row, detail
       from mcp_cutover.journal j
      where j.run_id = $2 and j.action <> 'late'
        and (j.kind <> 'row' or j.action = 'merge' or not exists (
          select from mcp_cutover.journal n where n.run_id = $1 and n.kind = 'row' and n.key_after = j.key_after))
      order by j.entry`,
    [runId, previous.runId],
  );
}
