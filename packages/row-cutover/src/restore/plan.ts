import { UserError } from "@mcp-fleet/errors";

import { describe, parseDocument } from "../decide/document";
import { keyId, keyName, keySet, type KeyValues } from "../decide/keys";
import { listed } from "../decide/refusals";
import { compare, jsonOf, type RestoreMode, type Verdict } from "../decide/verdict";
import { isOwn, type RowPlace, type StoredRow } from "../postgres/rows";
import type { ConfigType } from "../postgres/table";
import type { CutoverSpec, RowChange } from "../spec";
import type { RowEntry } from "../store/journal";

/** What an undo does for one journal entry. */
export interface UndoStep {
  readonly action: "restore" | "remove" | "insert" | "unchanged";
  readonly entry: RowEntry;
  /** The row's key now. */
  readonly keyFound: KeyValues;
  /** Where the row is. Not there for one that is inserted. */
  readonly at?: RowPlace;
  readonly mode: RestoreMode;
  /** Where in a wrapped JSON document the configuration is. */
  readonly path: readonly string[];
  /** The old configuration as JSON, when the old document is TOML and JSON is needed. */
  readonly json?: string;
}

/** All of an undo, or of its preview. */
export interface UndoPlan {
  readonly steps: readonly UndoStep[];
  readonly changes: RowChange[];
  readonly warnings: string[];
  /** Rows that somebody changed since, with what was found: how many, and those there is room for. */
  readonly conflicts: { readonly count: number; readonly list: readonly Conflict[] };
  /** The columns beside the document that are restored. */
  readonly columns: readonly string[];
  /** Rows that have no steps here: those that are as they were written, and others that are read again. */
  readonly servers?: UndoServers;
}

export interface Conflict {
  readonly key: string;
  readonly reason: string;
}

/** Rows of an undo where one server has many. */
export interface UndoServers {
  /** Rows that SQL restores from the journal as they are. */
  readonly written: number;
  /** Rows that the run only held. */
  readonly unchanged: number;
  /** Rows that JavaScript looks at, by what happens to them. */
  readonly restore: number;
  readonly kept: number;
}

/** What {@link planUndo} looks at. */
export interface UndoInput {
  readonly spec: CutoverSpec;
  readonly configType: ConfigType;
  readonly rows: ReadonlyMap<string, StoredRow>;
  readonly entries: readonly RowEntry[];
}

/** Compares every row with what the run wrote. Changes nothing and refuses nothing: see {@link refuseConflicts}. */
export function planUndo(input: UndoInput): UndoPlan {
  const { spec, rows, entries } = input;
  const steps: UndoStep[] = [];
  const changes: RowChange[] = [];
  const warnings: string[] = [];
  const conflicts: { key: string; reason: string }[] = [];
  for (const entry of entries) {
    if (entry.action === "late" || entry.keyAfter === null) continue;
    if (entry.action === "merge") {
      planInsert(input, entry, steps, changes, warnings);
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
    const verdict = compare(input, entry, row);
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
          ? describeHeld(spec, row, verdict.conflict ?? "")
          : { key: name, action: "unchanged", also: ["has nothing to restore"] },
      );
      continue;
    }
    const remove = entry.action === "seed";
    steps.push({ ...step, action: remove ? "remove" : "restore" });
    changes.push(describeUndo(entry, row, verdict, remove));
  }
  findUnjournalled(input, conflicts, changes);
  warnOfConversion(input, warnings);
  return {
    steps,
    changes,
    warnings,
    conflicts: { count: conflicts.length, list: conflicts },
    columns: [...new Set(steps.flatMap(({ entry }) => Object.keys(entry.beforeColumns)))].sort(),
  };
}

/** @throws UserError that lists the rows, where the policy is to fail */
export function refuseConflicts(spec: CutoverSpec, plan: UndoPlan): void {
  const { count } = plan.conflicts;
  if (spec.onConflict !== "fail" || count === 0) return;
  const names = plan.conflicts.list.map(({ key, reason }) => `${key} (${reason})`);
  const list = listed(names, "; ", count);
  throw new UserError(
    `${count === 1 ? "A row was" : `${count} rows were`} changed since the cutover, so nothing is taken back: ${list}.`,
    "Look at them, then set [cutover.onConflict] to keep (leave those rows as they are) or to force (restore them all the same).",
  );
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

/** A row that nothing is done to because somebody changed or made it since. */
function describeHeld(spec: CutoverSpec, row: StoredRow, reason: string): RowChange {
  const current = parseDocument(row.key, row.config);
  return {
    key: keyName(row.key),
    action: spec.onConflict === "fail" ? "conflict" : "keep",
    ...(current === undefined ? {} : { from: describe(current.content) }),
    also: [reason],
  };
}

function planInsert(
  { rows }: UndoInput,
  entry: RowEntry,
  steps: UndoStep[],
  changes: RowChange[],
  warnings: string[],
): void {
  const key = entry.keyBefore ?? [];
  if (rows.has(keyId(key))) {
    warnings.push(`The row ${keyName(key)} was made again since the cutover and stays as it is.`);
    return;
  }
  const before = parseDocument(key, entry.beforeConfig);
  steps.push({ action: "insert", entry, keyFound: key, mode: "exact", path: before?.path ?? [] });
  changes.push({
    key: keyName(key),
    action: "restore",
    ...(before === undefined ? {} : { to: describe(before.content) }),
    also: ["is inserted again with its references"],
  });
}

/** Rows in the new form that no run wrote: there is nothing to restore them from. */
function findUnjournalled(
  { spec, rows, entries }: UndoInput,
  conflicts: { key: string; reason: string }[],
  changes: RowChange[],
): void {
  const known = keySet([
    ...entries.flatMap((entry) => [entry.keyAfter ?? [], entry.keyBefore ?? []]),
    ...spec.deferred,
    ...spec.skip,
  ]);
  for (const row of rows.values()) {
    if (known.has(keyId(row.key)) || known.has(keyId(row.match)) || !isOwn(spec, row)) continue;
    const document = parseDocument(row.key, row.config);
    if (typeof document?.content.url !== "string") continue;
    const reason = "was made since and has no earlier form";
    conflicts.push({ key: keyName(row.key), reason });
    changes.push(describeHeld(spec, row, reason));
  }
}

function warnOfConversion({ spec, configType, entries }: UndoInput, warnings: string[]): void {
  const was = entries.find((entry) => entry.configType !== configType)?.configType;
  if (was === undefined) return;
  const { schema, table, config } = spec.table;
  warnings.push(
    `${schema}.${table}.${config} was ${was} at the cutover and is ${configType} now, so the rows get their old documents as ${configType}. An application that needs ${was} needs the column changed back by its owner.`,
  );
}
