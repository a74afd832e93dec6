import type { Client } from "pg";

import { planMerge, refuseForeignAlias } from "../actions/merge/merge";
import { checkComputed } from "../actions/rewrite/computed";
import { planRow, warnOfSettings } from "../actions/rewrite/plan";
import { planMissing, seedableKeys } from "../actions/seed/seed";
import { namedKeys, setColumns } from "../decide/configured";
import { keyId, keyName, keyOf, keySet, type KeyValues } from "../decide/keys";
import { LostSecrets } from "../decide/lost-credentials";
import { refuseForeign, refuseUnknown } from "../decide/refusals";
import type { RowChange } from "../decide/results";
import { isOwn, type StoredRow } from "../decide/rows";
import type { CutoverSpec } from "../decide/spec";
import type { ForwardInput, ForwardPlan, ForwardStep, Looked, UndoPlan } from "../decide/steps";
import { readRows } from "../postgres/rows";
import type { TableShape } from "../postgres/table";
import { journalColumns, readKeys, readRowEntries } from "../store/journal";
import type { Run } from "../store/ledger";
import type { Planned } from "./layout";
import { planUndo } from "./plan-undo";

/** Each entry of the configuration is one row. */
export async function planKeys(
  client: Client,
  given: Pick<ForwardInput, "spec" | "carries" | "samePlan">,
  shape: TableShape,
  active: Run | undefined,
): Promise<Planned> {
  const { spec } = given;
  const rows = await readRows(client, spec, shape, {
    keys: namedKeys(spec),
    columns: setColumns(spec),
  });
  const previous = active === undefined ? undefined : await readKeys(client, active);
  const seedable = await seedableKeys(client, spec, rows, previous);
  const input = { ...given, rows, previous, seedable };
  const plan = planForward(input);
  await checkComputed(client, shape, plan.steps);
  return { plan, input, looked: sizeOf(rows) };
}

export async function planUndoKeys(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  undone: Run,
): Promise<{ plan: UndoPlan; looked: Looked }> {
  const entries = await readRowEntries(client, undone);
  const keys: KeyValues[] = entries.flatMap((entry) =>
    [entry.keyAfter, entry.keyBefore].filter((key) => key !== null),
  );
  const columns = journalColumns(entries).filter((name) => shape.columns.has(name));
  const rows = await readRows(client, spec, shape, { keys, columns });
  const plan = planUndo({ spec, configType: shape.configType, rows, entries });
  return { plan, looked: sizeOf(rows) };
}

function sizeOf(rows: ReadonlyMap<string, StoredRow>): Looked {
  let bytes = 0;
  for (const { config } of rows.values()) bytes += config?.length ?? 0;
  return { rows: rows.size, bytes };
}

/** @throws UserError that lists every row the configuration does not provide for, by key */
export function planForward(input: ForwardInput): ForwardPlan {
  const { spec, rows } = input;
  const steps: ForwardStep[] = [];
  const changes: RowChange[] = [];
  const warnings: string[] = [];
  refuseUnknown(spec, rows);
  refuseForeign(spec, rows);
  const skip = keySet(spec.skip);
  const lost = new LostSecrets();
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
    const strangers = older.filter((one) => !isOwn(spec, one));
    const own = older.filter((one) => isOwn(spec, one));
    refuseForeignAlias(spec, row, strangers, found ?? own[0]);
    // In the order of the configuration; the row that stays is the application's own.
    const aliases = [...own, ...strangers];
    const main = found ?? aliases[0];
    if (main === undefined) {
      planMissing(input, row, steps, changes, warnings);
      continue;
    }
    const step = planRow(input, row, main, changes, warnings);
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
  return { steps, changes, warnings, streamed: { rewrite: 0, unchanged: 0 } };
}
