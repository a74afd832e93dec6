import { keptJson } from "../decide/conversion";
import { describe, environment, isEmbedded, parseDocument, plainUrl } from "../decide/document";
import { keyId, keyName, keyOf, keySet, type KeyValues } from "../decide/keys";
import { LostSecrets, refuseForeign, refuseForeignAlias, refuseUnknown } from "../decide/refusals";
import { otherSettings } from "../decide/server-settings";
import { isTarget, keepsAny, keptKeys } from "../decide/target-document";
import type { RowForm } from "../layouts/groups";
import { EngineError } from "../postgres/errors";
import { isOwn, type RowPlace, type StoredRow } from "../postgres/rows";
import type { CutoverSpec, RowChange, RowSpec } from "../spec";

/** What a forward run does for one row, or for all rows of a class. */
export interface ForwardStep {
  readonly action: "rewrite" | "unchanged" | "seed" | "merge" | "late";
  readonly spec: RowSpec;
  /** Key of the row in the table now; absent for a seed. Of a class, the server's. */
  readonly keyFound?: KeyValues;
  /** Key of the row afterwards; for a merge, of the row that survives. */
  readonly keyAfter: KeyValues;
  /** Where the row is. Neither it nor a form: the row is found by key. */
  readonly at?: RowPlace;
  /** Which rows of the server these are. */
  readonly form?: RowForm;
  /** How many rows. */
  readonly count: number;
  /** Whether a before-image of the generation before stays the one that an undo restores. */
  readonly carry: boolean;
  /** Where in the old document the configuration is. */
  readonly path: readonly string[];
  /** The configuration as JSON, when the old document is TOML and some of it stays. */
  readonly json?: string;
}

/** All of a forward run, or of its preview. */
export interface ForwardPlan {
  readonly steps: readonly ForwardStep[];
  readonly changes: RowChange[];
  readonly warnings: string[];
  /** Rows by action that are read again, a batch at a time, when they are written: they have no steps here. */
  readonly streamed: { readonly rewrite: number; readonly unchanged: number };
}

/** What {@link planForward} looks at. */
export interface ForwardInput {
  readonly spec: CutoverSpec;
  readonly rows: ReadonlyMap<string, StoredRow>;
  /**
   * Keys of the generation before, when it pointed into the cluster too, with the key an undo of it restores. Empty
   * with `match`, where SQL looks them up.
   */
  readonly previous: ReadonlyMap<string, KeyValues | null> | undefined;
  /** Whether its before-images are still there, so that the new generation takes them over. */
  readonly carries: boolean;
  /** Whether the generation before was planned from the same configuration. */
  readonly samePlan: boolean;
  /** Keys whose seed condition holds. */
  readonly seedable: ReadonlySet<string>;
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

/** What the old row starts its process with, and its server has otherwise. */
function warnOfSettings(row: RowSpec, stored: StoredRow, warnings: string[]): void {
  const document = parseDocument([...stored.key, ...keyOf(row.key)], stored.config);
  const names = document === undefined ? [] : otherSettings(row, document.content);
  if (names.length === 0) return;
  warnings.push(
    `${keyName(keyOf(row.key))}: the old row has other values of ${names.join(", ")} than the server that it moves to is configured with.`,
  );
}

/** Whether the steps write nothing to the table. */
export function writesNothing(plan: ForwardPlan): boolean {
  return plan.streamed.rewrite === 0 && plan.steps.every((step) => step.action === "unchanged");
}

/** What happens to one row, or to the rows that it stands for. Adds to `changes` and `warnings`. */
export function planRow(
  { spec, previous, carries, samePlan }: ForwardInput,
  row: RowSpec,
  found: StoredRow,
  changes: RowChange[],
  warnings: string[],
): ForwardStep {
  const key = keyOf(row.key);
  const renamed = keyId(found.match) !== keyId(key);
  const keyAfter = renamed ? key : found.key;
  const document = parseDocument([...found.key, ...key], found.config);
  if (document === undefined)
    throw new EngineError(`the document of ${keyName(found.key)} was not checked`);
  const { content, path, format } = document;
  const there = format === "json" && path.length === 0 && isTarget(content, row) && !renamed;
  const columns = Object.entries(row.set ?? {}).filter(
    ([name, value]) => found.columns[name] !== value,
  );
  const names = columns.map(([name]) => name);
  const step = { spec: row, keyFound: found.key, keyAfter, at: found.at, count: 1, path };
  if (there && (columns.length === 0 || (previous !== undefined && samePlan))) {
    if (names.length > 0) {
      warnings.push(
        `The row ${keyName(key)} has another ${names.join(", ")} than configured: changed since.`,
      );
    }
    changes.push({
      key: keyName(key),
      action: "unchanged",
      from: describe(content),
      // As it stays, where the application owns the URL.
      to: plainUrl(String(content.url)),
    });
    return { ...step, action: "unchanged", carry: carries };
  }
  const kept = keptKeys(row, Object.keys(content));
  const drops = Object.keys(content).filter(
    (name) => !kept.includes(name) && name !== "url" && name !== "transport",
  );
  changes.push({
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
  const known =
    previous !== undefined && (spec.table.match !== undefined || previous.has(keyId(key)));
  if (spec.table.type === undefined && !isEmbedded(content) && !known) {
    warnings.push(
      `The row ${keyName(key)} does not start a process now; it is rewritten all the same.`,
    );
  }
  return {
    ...step,
    action: "rewrite",
    // A document that starts a process is what an undo should bring back, even when an older one is journalled.
    carry: carries && !isEmbedded(content),
    // Where something is to be kept, SQL reads the document, also when there is nothing of it to keep.
    ...(format === "toml" && keepsAny(row) ? { json: keptJson(found.key, content, kept) } : {}),
  };
}

function planMerge(
  { previous }: ForwardInput,
  row: RowSpec,
  alias: StoredRow,
  changes: RowChange[],
): ForwardStep {
  const key = keyOf(row.key);
  const before = previous?.get(keyId(key));
  // The row was renamed already, and an old process of the application inserted it anew.
  const late = before !== undefined && before !== null && keyId(before) === keyId(alias.key);
  changes.push({
    key: keyName(alias.key),
    action: "merge",
    to: plainUrl(row.url),
    also: [`its references move to ${keyName(key)}, then the row goes`],
  });
  return {
    action: late ? "late" : "merge",
    spec: row,
    keyFound: alias.key,
    keyAfter: key,
    count: 1,
    carry: false,
    path: [],
  };
}

function planMissing(
  { previous, seedable }: ForwardInput,
  row: RowSpec,
  steps: ForwardStep[],
  changes: RowChange[],
  warnings: string[],
): void {
  const key = keyOf(row.key);
  const name = keyName(key);
  if (!seedable.has(keyId(key))) {
    warnings.push(
      previous?.has(keyId(key)) === true
        ? `The row ${name} was deleted since the last run and is not made again.`
        : `There is no row ${name}, and none is made: ${row.seed === undefined ? "no seed is configured" : "the condition of its seed does not hold"}.`,
    );
    return;
  }
  steps.push({ action: "seed", spec: row, keyAfter: key, count: 1, carry: false, path: [] });
  changes.push({ key: name, action: "seed", to: plainUrl(row.url) });
}
