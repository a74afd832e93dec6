import { describe, parseDocument } from "../../decide/document";
import type { RowEntry } from "../../decide/entries";
import { keyId, keyName } from "../../decide/keys";
import type { RowChange } from "../../decide/results";
import type { StoredRow } from "../../decide/rows";
import type { UndoInput } from "../../decide/steps";
import type { Verdict } from "../../decide/verdict";

export function describeUndo(
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
