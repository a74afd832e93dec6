import type { Action } from "../actions/action";
import { actions } from "../actions/all";
import { findWithoutJournal } from "../actions/keep/changed-since";
import { warnOfConversion } from "../actions/restore/plan";
import type { RowEntry } from "../decide/entries";
import type { UndoDraft, UndoInput, UndoPlan } from "../decide/steps";
import { EngineError } from "../postgres/errors";

/** Compares every row with what the run wrote. It does not refuse conflicts: `refuseConflicts` does. */
export function planUndo(input: UndoInput): UndoPlan {
  const draft: UndoDraft = { steps: [], changes: [], warnings: [], conflicts: [] };
  for (const entry of input.entries) {
    const { keyAfter } = entry;
    if (entry.action === "late" || keyAfter === null) continue;
    actionOf(entry).planUndo(input, { ...entry, keyAfter }, draft);
  }
  findWithoutJournal(input, draft);
  warnOfConversion(input, draft.warnings);
  const { steps, changes, warnings, conflicts } = draft;
  return {
    ...{ steps, changes, warnings },
    conflicts: { count: conflicts.length, list: conflicts },
    withoutSteps: { written: 0, unchanged: 0, restore: 0, kept: 0 },
    columns: [...new Set(steps.flatMap(({ entry }) => Object.keys(entry.beforeColumns)))].sort(),
  };
}

/** The action that undoes an entry. A row that nothing undoes must not be passed over. */
function actionOf({ action }: RowEntry): Action {
  const found = actions.find(({ entries }) => entries.includes(action));
  if (found === undefined) throw new EngineError(`no action undoes the journal's ${action}`);
  return found;
}
