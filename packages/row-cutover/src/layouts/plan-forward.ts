import type { ForwardDraft } from "../actions/action";
import { actions } from "../actions/all";
import { refuseForeignAlias } from "../actions/merge/merge";
import { keyId, keyName, keyOf, keySet } from "../decide/keys";
import { LostCredentials } from "../decide/lost-credentials";
import { refuseForeign, refuseUnknown } from "../decide/refusals";
import { isOwn, type StoredRow } from "../decide/rows";
import type { ForwardInput, ForwardPlan } from "../decide/steps";

/** @throws UserError that lists every row the configuration does not provide for, by key */
export function planForward(input: ForwardInput): ForwardPlan {
  const { spec, rows } = input;
  const lost = new LostCredentials();
  const draft: ForwardDraft = { steps: [], changes: [], warnings: [], lost };
  refuseUnknown(spec, rows);
  refuseForeign(spec, rows);
  const skip = keySet(spec.skip);
  for (const row of spec.rows) {
    const key = keyOf(row.key);
    if (skip.has(keyId(key))) {
      draft.warnings.push(`The row ${keyName(key)} is skipped.`);
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
    const others = aliases.filter((one) => one !== main);
    for (const action of actions) action.plan(input, { row, main, others }, draft);
  }
  lost.refuse();
  const { steps, changes, warnings } = draft;
  return { steps, changes, warnings, withoutSteps: { rewrite: 0, unchanged: 0 } };
}
