import { planMerge, refuseForeignAlias } from "../actions/merge/merge";
import { planRow, warnOfSettings } from "../actions/rewrite/plan";
import { planMissing } from "../actions/seed/seed";
import { keyId, keyName, keyOf, keySet } from "../decide/keys";
import { LostCredentials } from "../decide/lost-credentials";
import { refuseForeign, refuseUnknown } from "../decide/refusals";
import type { RowChange } from "../decide/results";
import { isOwn, type StoredRow } from "../decide/rows";
import type { ForwardInput, ForwardPlan, ForwardStep } from "../decide/steps";

/** @throws UserError that lists every row the configuration does not provide for, by key */
export function planForward(input: ForwardInput): ForwardPlan {
  const { spec, rows } = input;
  const steps: ForwardStep[] = [];
  const changes: RowChange[] = [];
  const warnings: string[] = [];
  refuseUnknown(spec, rows);
  refuseForeign(spec, rows);
  const skip = keySet(spec.skip);
  const lost = new LostCredentials();
  for (const row of spec.rows) {
    const key = keyOf(row.key);
    if (skip.has(keyId(key))) {
      warnings.push(`The row ${keyName(key)} is skipped.`);
      continue;
    }
    const found = rows.get(keyId(key));
    const older = (row.aliases ?? [])
      .map((alias) => rows.get(keyId(keyOf(alias))))
      .filter((one) => one !== undefined && !skip.has(keyId(one.key)))
      .map((one) => one as StoredRow);
    const foreignRows = older.filter((one) => !isOwn(spec, one));
    const own = older.filter((one) => isOwn(spec, one));
    refuseForeignAlias(spec, row, foreignRows, found ?? own[0]);
    // In the order of the configuration. The row that stays is the application's own.
    const aliases = [...own, ...foreignRows];
    const main = found ?? aliases[0];
    if (main === undefined) {
      planMissing(input, row, steps, { changes, warnings });
      continue;
    }
    const step = planRow(input, row, main, { changes, warnings });
    steps.push(step);
    lost.add(step, main, input.previous?.has(keyId(main.key)) === true, warnings);
    if (step.action === "rewrite") warnOfSettings(row, main, warnings);
    for (const alias of aliases) {
      if (alias === main) continue;
      const merge = planMerge(input, row, alias, changes);
      steps.push(merge);
      lost.add(merge, alias, false, warnings);
    }
  }
  lost.refuse();
  return { steps, changes, warnings, withoutSteps: { rewrite: 0, unchanged: 0 } };
}
