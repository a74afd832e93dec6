import { describe, environment, isEmbedded, parseDocument, plainUrl, toJson } from "./document";
import { EngineError } from "./errors";
import type { RowEntry } from "./journal";
import { keyId, keyName, keyOf, keySet, type KeyValues } from "./keys";
import { refuseForeign, refuseLostSecrets, refuseUnknown } from "./refusals";
import { isOwn, type StoredRow } from "./rows";
import type { CutoverSpec, RowChange, RowSpec } from "./spec";
import { isTarget, keptKeys } from "./target-document";

/** What a forward run does for one row. */
export interface ForwardStep {
  readonly action: "rewrite" | "unchanged" | "seed" | "merge" | "late";
  readonly spec: RowSpec;
  /** Key of the row in the table now; absent for a seed. */
  readonly keyFound?: KeyValues;
  /** Key of the row afterwards; for a merge, of the row that survives. */
  readonly keyAfter: KeyValues;
  /** The entry of the generation before, whose before-image stays the one that an undo restores. */
  readonly carried?: RowEntry;
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
}

/** What {@link planForward} looks at. */
export interface ForwardInput {
  readonly spec: CutoverSpec;
  readonly rows: ReadonlyMap<string, StoredRow>;
  /** Entries of the generation before by key, when it pointed into the cluster too. */
  readonly previous: ReadonlyMap<string, RowEntry> | undefined;
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
  for (const row of spec.rows) {
    const key = keyOf(row.key);
    if (skip.has(keyId(key))) {
      warnings.push(`The row ${keyName(key)} is skipped.`);
      continue;
    }
    const found = rows.get(keyId(key));
    const aliases = (row.aliases ?? [])
      .map((alias) => rows.get(keyId(keyOf(alias))))
      .filter((one) => one !== undefined && isOwn(spec, one) && !skip.has(keyId(one.key)))
      .map((one) => one as StoredRow);
    const main = found ?? aliases[0];
    if (main === undefined) {
      planMissing(input, row, steps, changes, warnings);
      continue;
    }
    planRow(input, row, main, steps, changes, warnings);
    for (const alias of aliases) if (alias !== main) planMerge(input, row, alias, steps, changes);
  }
  refuseLostSecrets(steps, rows, warnings);
  return { steps, changes, warnings };
}

/** Whether the steps write nothing to the table. */
export function writesNothing(plan: ForwardPlan): boolean {
  return plan.steps.every((step) => step.action === "unchanged");
}

function planRow(
  { spec, previous, carries, samePlan }: ForwardInput,
  row: RowSpec,
  found: StoredRow,
  steps: ForwardStep[],
  changes: RowChange[],
  warnings: string[],
): void {
  const key = keyOf(row.key);
  const renamed = keyId(found.key) !== keyId(key);
  const document = parseDocument([...found.key, ...key], found.config);
  if (document === undefined)
    throw new EngineError(`the document of ${keyName(found.key)} was not checked`);
  const { content, path, format } = document;
  const there = format === "json" && path.length === 0 && isTarget(content, row) && !renamed;
  const columns = Object.entries(row.set ?? {}).filter(
    ([name, value]) => found.columns[name] !== value,
  );
  const entry = previous?.get(keyId(key));
  const names = columns.map(([name]) => name);
  if (there && (columns.length === 0 || (previous !== undefined && samePlan))) {
    if (names.length > 0) {
      warnings.push(
        `The row ${keyName(key)} has another ${names.join(", ")} than configured: changed since.`,
      );
    }
    steps.push({
      action: "unchanged",
      spec: row,
      keyFound: found.key,
      keyAfter: key,
      path,
      ...(carries ? carry(entry) : {}),
    });
    changes.push({
      key: keyName(key),
      action: "unchanged",
      from: describe(content),
      to: plainUrl(row.url),
    });
    return;
  }
  const kept = keptKeys(row, Object.keys(content));
  // A document that starts a process is what an undo should bring back, even when an older one is journalled.
  const origin = carries && entry !== undefined && !isEmbedded(content) ? entry : undefined;
  steps.push({
    action: "rewrite",
    spec: row,
    keyFound: found.key,
    keyAfter: key,
    path,
    ...carry(origin),
    ...(format === "toml" && kept.length > 0 ? { json: toJson(content) } : {}),
  });
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
  if (spec.table.type === undefined && !isEmbedded(content) && entry === undefined) {
    warnings.push(
      `The row ${keyName(key)} does not start a process now; it is rewritten all the same.`,
    );
  }
}

function carry(entry: RowEntry | undefined): { carried?: RowEntry } {
  return entry === undefined ? {} : { carried: entry };
}

function planMerge(
  { previous }: ForwardInput,
  row: RowSpec,
  alias: StoredRow,
  steps: ForwardStep[],
  changes: RowChange[],
): void {
  const key = keyOf(row.key);
  const before = previous?.get(keyId(key))?.keyBefore;
  // The row was renamed already, and an old process of the application inserted it anew.
  const late = before !== undefined && before !== null && keyId(before) === keyId(alias.key);
  steps.push({
    action: late ? "late" : "merge",
    spec: row,
    keyFound: alias.key,
    keyAfter: key,
    path: [],
  });
  changes.push({
    key: keyName(alias.key),
    action: "merge",
    to: plainUrl(row.url),
    also: [`its references move to ${keyName(key)}, then the row goes`],
  });
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
  steps.push({ action: "seed", spec: row, keyAfter: key, path: [] });
  changes.push({ key: name, action: "seed", to: plainUrl(row.url) });
}
