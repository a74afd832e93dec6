import { type Applied, type ForwardRun, stepsOf } from "../actions/action";
import { actions } from "../actions/all";
import { rewrite, rewriteAtOnce } from "../actions/rewrite/rewrite";
import { rowsPerStatement } from "../actions/rewrite/write";
import { countRows, type ForwardInput, type ForwardPlan } from "../decide/steps";
import { layoutOf } from "../layouts/layout-of";
import { assertTarget, finishDeferred } from "../postgres/assertions";
import { carryOver, countEntries } from "../store/journal";

/** Journals and writes everything of a plan. */
export async function applyForward(
  run: ForwardRun,
  plan: ForwardPlan,
  input: ForwardInput,
): Promise<Applied> {
  const { client, spec, shape } = run;
  const { steps, withoutSteps } = plan;
  const counts = countRows(plan);
  const asserted = (): Promise<void> =>
    assertTarget(client, spec, shape, {
      written:
        (run.touched ?? 0) +
        sum(actions.flatMap(({ written }) => written.map((one) => counts[one] ?? 0))),
      rows: run.rows + sum(actions.map((action) => action.adds * stepsOf(action, steps).length)),
      configured: run.touched === undefined,
    });
  const rows = stepsOf(rewrite, steps);
  const onlyRows = rows.length === steps.length && sum(Object.values(withoutSteps)) === 0;
  if (onlyRows && rows.length <= rowsPerStatement && run.previous === undefined) {
    // Sent together: writers wait for each answer that is waited for. The first refusal is the one thrown.
    const sent = [...rewriteAtOnce(run, rows), finishDeferred(client), asserted()];
    const [journalRows] = await Promise.all([countEntries(client, run.runId), ...sent]);
    return { counts, journalRows, warnings: [] };
  }
  await rewrite.write(run, rows);
  await layoutOf(spec).writeWithoutSteps(run, plan, input);
  await carryOver(client, run.previous, run.runId);
  let references = 0;
  for (const action of actions.filter((one) => one !== rewrite))
    references += await action.write(run, stepsOf(action, steps));
  const [, , journalRows] = await Promise.all([
    finishDeferred(client),
    asserted(),
    countEntries(client, run.runId),
  ]);
  return {
    counts: references > 0 ? { ...counts, references } : counts,
    journalRows,
    warnings: [],
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
