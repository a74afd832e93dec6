import { describeKept, findWithoutJournal } from "../actions/keep/changed-since";
import { planUnmerge } from "../actions/merge/merge";
import { describeUndo, warnOfConversion } from "../actions/restore/plan";
import { keyId, keyName } from "../decide/keys";
import type { RowChange } from "../decide/results";
import type { UndoInput, UndoPlan, UndoStep } from "../decide/steps";
import { compareWithJournal, jsonOf } from "../decide/verdict";

/** Compares every row with what the run wrote. It does not refuse conflicts: `refuseConflicts` does. */
export function planUndo(input: UndoInput): UndoPlan {
  const { spec, rows, entries } = input;
  const steps: UndoStep[] = [];
  const changes: RowChange[] = [];
  const warnings: string[] = [];
  const conflicts: { key: string; reason: string }[] = [];
  for (const entry of entries) {
    if (entry.action === "late" || entry.keyAfter === null) continue;
    if (entry.action === "merge") {
      planUnmerge(input, entry, steps, changes, warnings);
      continue;
    }
    const row = rows.get(keyId(entry.keyAfter));
    const name = keyName(entry.keyAfter);
    if (row === undefined) {
      changes.push({
        key: name,
        action: "unchanged",
        also: ["was deleted since, and is not inserted again"],
      });
      warnings.push(`The row ${name} was deleted since the cutover and is not inserted again.`);
      continue;
    }
    const verdict = compareWithJournal(input, entry, row);
    if (verdict.conflict !== undefined) conflicts.push({ key: name, reason: verdict.conflict });
    const held = verdict.conflict !== undefined && spec.onConflict !== "force";
    const step = {
      entry,
      keyFound: row.key,
      at: row.at,
      mode: verdict.mode,
      path: verdict.path,
      ...jsonOf(verdict),
    };
    if (held || verdict.nothing === true) {
      steps.push({ ...step, action: "unchanged" });
      changes.push(
        held
          ? describeKept(spec, row, verdict.conflict ?? "")
          : { key: name, action: "unchanged", also: ["has nothing to restore"] },
      );
      continue;
    }
    const remove = entry.action === "seed";
    steps.push({ ...step, action: remove ? "remove" : "restore" });
    changes.push(describeUndo(entry, row, verdict, remove));
  }
  findWithoutJournal(input, conflicts, changes);
  warnOfConversion(input, warnings);
  return {
    steps,
    changes,
    warnings,
    conflicts: { count: conflicts.length, list: conflicts },
    withoutSteps: { written: 0, unchanged: 0, restore: 0, kept: 0 },
    columns: [...new Set(steps.flatMap(({ entry }) => Object.keys(entry.beforeColumns)))].sort(),
  };
}
