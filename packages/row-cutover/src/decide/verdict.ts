import { isDeepStrictEqual } from "node:util";

import { ownsUrlOf, withOurUrl } from "./application-owned";
import { parseDocument, toJson } from "./document";
import type { RowEntry } from "./entries";
import { type ConfigType, isOwn, type StoredRow } from "./rows";
import type { CutoverSpec } from "./spec";

/** How an undo restores a row's document. */
export type RestoreMode =
  /** The journal's text, byte for byte. */
  | "exact"
  /** A wrapped or TOML document, in the form that the application's own conversion of the column gives it. */
  | "converted"
  /** The old document, with keys that were added or changed since beside ours. */
  | "merged";

/** The result of comparing a row with its journal entry. */
export interface Verdict {
  readonly mode: RestoreMode;
  readonly path: readonly string[];
  readonly json?: string;
  readonly conflict?: string;
  readonly nothing?: boolean;
}

/** The optional member of a step. */
export function jsonOf({ json }: Verdict): { json?: string } {
  return json === undefined ? {} : { json };
}

/** Compares a row with what the run wrote, and decides what to restore and how, or why not. */
export function compareWithJournal(
  input: { readonly spec: CutoverSpec; readonly configType: ConfigType },
  entry: RowEntry,
  row: StoredRow,
): Verdict {
  const { configType } = input;
  const before = parseDocument(
    [...(entry.keyBefore ?? []), ...(entry.keyAfter ?? [])],
    entry.beforeConfig,
  );
  const retyped = entry.configType !== configType;
  // A text column keeps the old form. In a json or jsonb column the application expects the inner document.
  const convert =
    retyped &&
    entry.configType === "text" &&
    before !== undefined &&
    (before.format === "toml" || before.path.length > 0);
  const exact: Verdict = {
    mode: convert ? "converted" : "exact",
    path: before?.path ?? [],
    ...(convert && before.format === "toml" ? { json: toJson(before.content) } : {}),
  };
  if (entry.action === "unchanged") return { ...exact, nothing: true };
  if (!isOwn(input.spec, row)) return { ...exact, conflict: "is a user's own server now" };
  const back = Object.entries(entry.afterColumns).find(
    ([name, value]) =>
      name !== input.spec.table.updatedAt &&
      name in row.columns &&
      row.columns[name] !== value &&
      row.columns[name] !== entry.beforeColumns[name],
  );
  const columns = back === undefined ? {} : { conflict: `has another ${back[0]}` };
  if (row.config === entry.afterConfig) return { ...exact, ...columns };
  const after = parseDocument([], entry.afterConfig);
  const found = parseDocument(row.key, row.config);
  if (found === undefined || after === undefined)
    return { ...exact, conflict: "holds no document any more" };
  // A URL that the run did not change is not restored, whoever owns it.
  const ourUrl =
    ownsUrlOf(input.spec, row.match) && !isDeepStrictEqual(before?.content.url, after.content.url);
  const current = ourUrl ? withOurUrl(found.content, after.content) : found.content;
  if (isAsWritten(current, after.content)) return { ...exact, ...columns };
  if (entry.action === "seed") return { ...exact, conflict: "was changed" };
  const reason = changedLeaf(before?.content ?? {}, after.content, current);
  if (reason !== undefined) return { ...exact, conflict: reason };
  if (before === undefined || (before.format === "toml" && configType === "text")) {
    return {
      ...exact,
      conflict: "has keys that were added since, which its old TOML text cannot hold",
    };
  }
  const json = before.format === "toml" ? { json: toJson(before.content) } : {};
  return { mode: "merged", path: before.path, ...json, ...columns };
}

/** Finds a key that the run wrote or dropped and that was changed since. Headers may be missing: the application erases them. */
function changedLeaf(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  current: Readonly<Record<string, unknown>>,
): string | undefined {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (isDeepStrictEqual(before[key], after[key])) continue;
    if (isDeepStrictEqual(after[key], current[key])) continue;
    if (key === "headers" && current[key] === undefined) continue;
    return key in after ? `has another ${key}` : `has ${key} again`;
  }
  return undefined;
}

/** Whether a document is the one that a run wrote. Headers may be missing: the application erases them. */
export function isAsWritten(
  current: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): boolean {
  return (
    isDeepStrictEqual(withoutHeaders(current), withoutHeaders(after)) && headersHold(current, after)
  );
}

function withoutHeaders(content: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(content).filter(([key]) => key !== "headers"));
}

function headersHold(
  current: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): boolean {
  return current.headers === undefined || isDeepStrictEqual(current.headers, after.headers);
}
