import type { Client } from "pg";

import { stepsOf, undoStepsOf } from "../actions/action";
import { actions } from "../actions/all";
import { merge } from "../actions/merge/merge";
import { seed } from "../actions/seed/seed";
import type { CutoverSpec } from "../decide/spec";
import type { ForwardStep, UndoStep } from "../decide/steps";
import type { RightsFacts } from "../postgres/rights/facts";
import { refuseMissing } from "../postgres/rights/missing";
import { rightsOfRun } from "../postgres/rights/required";
import type { TableShape } from "../postgres/table";

/**
 * Checks what the actions of a run forward need beside reading and updating the rows.
 * @throws UserError naming the table and the right, or what is in an action's way
 */
export async function checkForward(
  client: Client,
  spec: CutoverSpec,
  { shape, facts }: { readonly shape: TableShape; readonly facts: RightsFacts },
  steps: readonly ForwardStep[],
): Promise<void> {
  const uses = { seeds: stepsOf(seed, steps).length > 0, merges: stepsOf(merge, steps).length > 0 };
  refuseMissing(facts, rightsOfRun(facts, spec, uses));
  // Rows that appear or disappear first.
  for (const action of actions.toReversed()) {
    const own = stepsOf(action, steps);
    if (own.length > 0) await action.check({ client, spec, shape }, own);
  }
}

/** Checks what an undo needs beside reading and updating the rows. @throws UserError naming the right */
export function checkUndo(spec: CutoverSpec, facts: RightsFacts, steps: readonly UndoStep[]): void {
  const uses = {
    seeds: undoStepsOf(seed, steps).length > 0,
    merges: undoStepsOf(merge, steps).length > 0,
  };
  refuseMissing(facts, rightsOfRun(facts, spec, uses));
}
