import { describe, parseDocument } from "../../decide/document";
import type { RowEntry } from "../../decide/entries";
import { keyId, keyName } from "../../decide/keys";
import type { RowChange } from "../../decide/results";
import type { StoredRow } from "../../decide/rows";
import type { UndoDraft, UndoInput } from "../../decide/steps";
import { compareWithJournal, jsonOf, type Verdict } from "../../decide/verdict";
import type { LeftEntry } from "../action";
import { describeKept } from "../keep/changed-since";

/**
 * Plan of the undo: the row is compared with what the run wrote, then restored, or removed where the run inserted it. A
 * row that was changed since is a conflict.
 */
export function planRestore(
  input: UndoInput,
  entry: LeftEntry,
  { steps, changes, warnings, conflicts }: UndoDraft,
): void {
  const { spec, rows } = input;
  const { keyAfter } = entry;
  const key = keyName(keyAfter);
  const row = rows.get(keyId(keyAfter));
  if (row === undefined) {
    const also = ["was deleted since, and is not inserted again"];
    changes.push({ key, action: "unchanged", also });
    warnings.push(`The row ${key} was deleted since the cutover and is not inserted again.`);
    return;
  }
  const verdict = compareWithJournal(input, entry, row);
  const { conflict, mode, path } = verdict;
  if (conflict !== undefined) conflicts.push({ key, reason: conflict });
  const step = { entry, keyFound: row.key, at: row.at, mode, path, ...jsonOf(verdict) };
  if (conflict !== undefined && spec.onConflict !== "force") {
    steps.push({ ...step, action: "unchanged" });
    changes.push(describeKept(spec, row, conflict));
  } else if (verdict.nothing === true) {
    steps.push({ ...step, action: "unchanged" });
    changes.push({ key, action: "unchanged", also: ["has nothing to restore"] });
  } else {
    const remove = entry.action === "seed";
    steps.push({ ...step, action: remove ? "remove" : "restore" });
    changes.push(describeUndo(entry, row, verdict, remove));
  }
}

function describeUndo(
  entry: RowEntry,
  row: StoredRow,
  verdict: Verdict,
  remove: boolean,
): RowChange {
  const current = parseDocument(row.key, row.config);
  const before = parseDocument(
    [...(entry.keyBefore ?? []), ...(entry.keyAfter ?? [])],
    entry.beforeConfig,
  );
  const renamed = entry.keyBefore !== null && keyId(entry.keyBefore) !== keyId(row.key);
  const from = current === undefined ? {} : { from: describe(current.content) };
  if (remove) return { key: keyName(row.key), action: "remove", ...from };
  return {
    key: keyName(row.key),
    action: "restore",
    ...from,
    ...(before === undefined ? {} : { to: describe(before.content) }),
    also: [
      ...(renamed ? [`key ${keyName(row.key)} becomes ${keyName(entry.keyBefore ?? [])}`] : []),
      ...(verdict.mode === "merged" ? ["keeps what was added since"] : []),
      ...(verdict.mode === "converted" ? ["as JSON, since the column's type was changed"] : []),
      ...(verdict.conflict === undefined ? [] : [`overwrites: ${verdict.conflict}`]),
    ],
  };
}

/** Warns that the column has another type now, so that documents are restored in another form. */
export function warnOfConversion(
  { spec, configType, entries }: UndoInput,
  warnings: string[],
): void {
  const was = entries.find((entry) => entry.configType !== configType)?.configType;
  if (was === undefined) return;
  const { schema, table, config } = spec.table;
  warnings.push(
    `${schema}.${table}.${config} was ${was} at the cutover and is ${configType} now, so the rows get their old documents as ${configType}. An application that needs ${was} needs the column changed back by its owner.`,
  );
}
