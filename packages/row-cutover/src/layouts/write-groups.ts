import type { ForwardRun, UndoRun } from "../actions/action";
import { columnsNow, restore, restoreSteps } from "../actions/restore/write";
import { journalRows, rowsPerStatement, writeRows } from "../actions/rewrite/write";
import type { ForwardInput, ForwardPlan, ForwardStep, UndoPlan } from "../decide/steps";
import { writtenHere } from "../postgres/assertions";
import { EngineError } from "../postgres/errors";
import { unreadSteps } from "./plan-groups";
import { journalBesideRows, pairStateSql, rowsToCompare } from "./plan-undo-groups";

/** Restores rows as they were written by SQL alone; the others are read again, since nobody could write them in between. */
export async function restoreGroups(
  run: UndoRun,
  { columns, withoutSteps: planned }: UndoPlan,
): Promise<void> {
  const { client, shape, spec, undone } = run;
  let others = 0;
  if (planned.restore + planned.kept > 0) {
    for await (const { plan } of rowsToCompare(client, spec, shape, undone, columns)) {
      await restoreSteps(run, plan.steps, columns);
      others += plan.steps.length;
    }
  }
  if (others !== planned.restore + planned.kept)
    throw new EngineError(
      `${others} rows were journalled instead of ${planned.restore + planned.kept}`,
    );
  // Those that are done already may look as if the run had written them. A full join is never a nested loop, whatever
  // the planner makes of a journal that it knows nothing of yet; nor may a condition make another join of it.
  await restore(
    run,
    `${journalBesideRows(spec, shape, undone, "full")}
       cross join lateral (select case when j.action = 'unchanged' then 'unchanged' else 'restore' end as action,
         j.key_after as key_found, 'exact' as mode, '{}'::text[] as path, null::text as json) d
       cross join lateral (${columnsNow(columns)}) n
      where ${pairStateSql(spec, shape, columns)} in ('written', 'unchanged') and (${writtenHere}) is not true`,
    { columns, journalled: planned.written + planned.unchanged, restored: planned.written },
  );
}

/** Rows that SQL cannot read are read again, since nobody could write them in between. */
export async function writeUnread(
  run: ForwardRun,
  { withoutSteps }: ForwardPlan,
  input: ForwardInput,
): Promise<void> {
  const planned = withoutSteps.rewrite + withoutSteps.unchanged;
  if (planned === 0) return;
  let steps: ForwardStep[] = [];
  let done = 0;
  const write = async (): Promise<void> => {
    await journalRows(run, steps);
    await writeRows(run, steps);
    done += steps.length;
    steps = [];
  };
  for await (const { step } of unreadSteps(run.client, input, run.shape)) {
    steps.push(step);
    if (steps.length === rowsPerStatement) await write();
  }
  await write();
  if (done !== planned) throw new EngineError(`${done} rows were written instead of ${planned}`);
}
