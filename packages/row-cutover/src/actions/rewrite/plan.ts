import { keptJson } from "../../decide/conversion";
import { describe, environment, isEmbedded, parseDocument, plainUrl } from "../../decide/document";
import { keyId, keyName, keyOf } from "../../decide/keys";
import { rulesOf } from "../../decide/layout";
import type { StoredRow } from "../../decide/rows";
import { otherSettings } from "../../decide/server-settings";
import type { RowSpec } from "../../decide/spec";
import type { ForwardInput, ForwardStep, PlanNotes } from "../../decide/steps";
import { keepsAny, keptKeys } from "../../decide/target-document";
import { EngineError } from "../../postgres/errors";
import type { ForwardDraft, FoundRows } from "../action";
import { isUnchanged, planUnchanged } from "../keep/unchanged";

/** Plan: the row that stays of one entry of the configuration. */
export function planMain(
  input: ForwardInput,
  { row, main }: FoundRows,
  { steps, changes, warnings, lost }: ForwardDraft,
): void {
  if (main === undefined) return;
  const step = planRow(input, row, main, { changes, warnings });
  steps.push(step);
  lost.add(step, main, input.previous?.has(keyId(main.key)) === true, warnings);
  if (step.action === "rewrite") warnOfSettings(row, main, warnings);
}

/** Plan: one row, or the group of rows that it represents. It is rewritten, unless it already has its target form. */
export function planRow(
  input: ForwardInput,
  row: RowSpec,
  found: StoredRow,
  notes: PlanNotes,
): ForwardStep {
  const { spec, previous, carries } = input;
  const key = keyOf(row.key);
  const renamed = keyId(found.match) !== keyId(key);
  const document = parseDocument([...found.key, ...key], found.config);
  if (document === undefined)
    throw new EngineError(`the document of ${keyName(found.key)} was not checked`);
  const { content, path, format } = document;
  const names = Object.entries(row.set ?? {})
    .filter(([name, value]) => found.columns[name] !== value)
    .map(([name]) => name);
  if (!renamed && isUnchanged(input, row, document, names))
    return planUnchanged(input, row, { found, document, differing: names }, notes);
  const kept = keptKeys(row, Object.keys(content));
  const drops = Object.keys(content).filter(
    (name) => !kept.includes(name) && name !== "url" && name !== "transport",
  );
  notes.changes.push({
    key: keyName(key),
    action: "rewrite",
    from: describe(content),
    to: plainUrl(row.url),
    drops: drops.flatMap((name) =>
      name === "env" ? environment(content).map(([variable]) => `env.${variable}`) : [name],
    ),
    also: [
      ...(renamed ? [`key ${keyName(found.key)} becomes ${keyName(key)}`] : []),
      ...names.map((name) => `sets ${name}`),
      ...(row.headers === undefined
        ? []
        : Object.keys(row.headers).map((name) => `header ${name}`)),
    ],
  });
  const known = rulesOf(spec.table).wasMoved(previous, key);
  if (spec.table.type === undefined && !isEmbedded(content) && !known) {
    notes.warnings.push(
      `The row ${keyName(key)} does not start a process now; it is rewritten all the same.`,
    );
  }
  return {
    ...{ action: "rewrite", spec: row, keyFound: found.key, keyAfter: renamed ? key : found.key },
    ...{ at: found.at, count: 1, path },
    // A document that starts a process is what an undo has to restore, even when an older one is journalled.
    carry: carries && !isEmbedded(content),
    // Where keys may be kept, SQL reads the document, even when it has none of them.
    ...(format === "toml" && keepsAny(row) ? { json: keptJson(found.key, content, kept) } : {}),
  };
}

/** Warns of settings of the old process whose values differ from its server's. */
function warnOfSettings(row: RowSpec, stored: StoredRow, warnings: string[]): void {
  const document = parseDocument([...stored.key, ...keyOf(row.key)], stored.config);
  const names = document === undefined ? [] : otherSettings(row, document.content);
  if (names.length === 0) return;
  warnings.push(
    `${keyName(keyOf(row.key))}: the old row has other values of ${names.join(", ")} than the server that it moves to is configured with.`,
  );
}
