import type { ForwardRun, UndoRun } from "../actions/action";
import { columnsNow, restore, restoreSteps } from "../actions/restore/write";
import { journalRows, rowsPerStatement, writeRows } from "../actions/rewrite/write";
import type { ForwardInput, ForwardPlan, ForwardStep, UndoPlan } from "../decide/steps";
import { writtenHere } from "../postgres/assertions";
import { EngineError } from "../postgres/errors";
import { unreadSteps } from "./plan-groups";
import { pairsSql, planOthers, stateSql } from "./undo-pairs";

/** Restores unchanged rows in SQL. All others are read and compared again, since the table is locked now. */
export async function restoreGroups(
  run: UndoRun,
  { withoutSteps: planned }: UndoPlan,
): Promise<void> {
  let others = 0;
  if (planned.restore + planned.kept > 0) {
    for await (const { plan } of planOthers(run)) {
      await restoreSteps(run, plan.steps);
      others += plan.steps.length;
    }
  }
  if (others !== planned.restore + planned.kept)
    throw new EngineError(
      `${others} rows were journalled instead of ${planned.restore + planned.kept}`,
    );
  // Rows that were just restored may look unchanged, so rows written here are left out. The full join keeps the planner,
  // which has no statistics of the new journal entries, from choosing a nested loop.
  await restore(
    run,
    `${pairsSql(run, "full")}
       cross join lateral (select case when j.action = 'unchanged' then 'unchanged' else 'restore' end as action,
         j.key_after as key_found, 'exact' as mode, '{}'::text[] as path, null::text as json) d
       cross join lateral (${columnsNow(run.columns)}) n
      where ${stateSql(run)} in ('written', 'unchanged') and (${writtenHere}) is not true`,
    { journalled: planned.written + planned.unchanged, restored: planned.written },
  );
}

/** Writes the rows that SQL cannot read. They are read again, since the table is locked now. */
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
