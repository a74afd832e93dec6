import { type Applied, type UndoRun, undoStepsOf } from "../actions/action";
import { actions } from "../actions/all";
import { assertRestored } from "../actions/restore/write";
import { rewrite } from "../actions/rewrite/rewrite";
import type { RowChange } from "../decide/results";
import type { UndoPlan } from "../decide/steps";
import { layoutOf } from "../layouts/layout-of";
import { assertTouched, finishDeferred } from "../postgres/assertions";
import { columnOf } from "../postgres/columns";
import { countEntries } from "../store/journal";

/** What is counted, in this order; then what other actions count. */
const counted = ["restore", "insert", "remove", "unchanged", "keep", "references"];

/** Writes everything of an undo. */
export async function applyUndo(run: UndoRun, plan: UndoPlan): Promise<Applied> {
  const { client, shape } = run;
  const { steps, withoutSteps } = plan;
  for (const name of run.columns) columnOf(shape, name);
  const rows = await rewrite.undo(run, undoStepsOf(rewrite, steps));
  await layoutOf(run.spec).restoreWithoutSteps(run, plan);
  const others = [];
  for (const action of actions.filter((one) => one !== rewrite))
    others.push(await action.undo(run, undoStepsOf(action, steps)));
  const restored = rows.written + withoutSteps.written + withoutSteps.restore;
  const [, , , , journalRows] = await Promise.all([
    finishDeferred(client),
    // The planner has no statistics of the new entries, and would read the table once for each.
    client.query("set local enable_nestloop = off"),
    assertRestored(run, restored),
    assertTouched(client, shape, {
      written: others.reduce((sum, { written }) => sum + written, restored),
      rows: others.reduce((sum, { added }) => sum + added, run.rows),
    }),
    countEntries(client, run.runId),
  ]);
  const changed = (wanted: RowChange["action"]): number =>
    plan.changes.reduce((sum, { action, count = 1 }) => sum + (action === wanted ? count : 0), 0);
  const all: Partial<Record<string, number>> = {
    ...Object.fromEntries(others.flatMap(({ counts }) => Object.entries(counts))),
    ...{ restore: restored, unchanged: changed("unchanged"), keep: changed("keep") },
  };
  return {
    counts: Object.fromEntries(
      [...new Set([...counted, ...Object.keys(all)])]
        .map((name) => [name, all[name] ?? 0] as const)
        .filter(([, count]) => count > 0),
    ),
    journalRows,
    warnings: others.flatMap(({ warnings }) => warnings),
  };
}
