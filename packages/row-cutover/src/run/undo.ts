import type { Applied, UndoRun } from "../actions/action";
import { unmergeRow } from "../actions/merge/merge";
import { undoReferences } from "../actions/merge/undo-references";
import { assertRestored, restoreSteps } from "../actions/restore/write";
import { removeSeed } from "../actions/seed/seed";
import { keyName } from "../decide/keys";
import type { RowChange } from "../decide/results";
import type { UndoPlan, UndoStep } from "../decide/steps";
import { layoutOf } from "../layouts/layout-of";
import { assertTouched, finishDeferred } from "../postgres/assertions";
import { columnOf } from "../postgres/columns";
import { countEntries, readReferenceEntries } from "../store/journal";

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
    await restoreSteps(run, held.slice(at, at + batch), columns);
  await layoutOf(run.spec).restoreWithoutSteps(run, plan);
  const restored = of("restore").length + plan.withoutSteps.written + plan.withoutSteps.restore;
  for (const step of of("insert")) await unmergeRow(run, step);
  const references = await undoReferences(
    client,
    run.spec.table,
    await readReferenceEntries(client, run.undone),
  );
  warnings.push(...references.warnings);
  let removed = 0;
  for (const step of of("remove")) {
    if (await removeSeed(run, step)) removed += 1;
    else {
      warnings.push(
        `The row ${keyName(step.keyFound)}, which the cutover inserted, is referenced by other rows now and stays.`,
      );
    }
  }
  const inserted = of("insert").length;
  const [, , , , journalRows] = await Promise.all([
    finishDeferred(client),
    // The planner has no statistics of the new entries, and would read the table once for each.
    client.query("set local enable_nestloop = off"),
    assertRestored(run, restored, columns),
    assertTouched(client, shape, {
      written: restored + inserted,
      rows: run.rows + inserted - removed,
    }),
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
  add("keep", changed("keep"));
  add("references", references.restored);
  return { counts, journalRows, warnings };
}

/** Steps in one statement. */
const batch = 2000;
