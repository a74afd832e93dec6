import { isDeepStrictEqual } from "node:util";

import { ownsUrl, sameServer } from "./application-owned";
import type { RowSpec } from "./spec";

/** The keys of a document that starts a process. */
export const stdioKeys = ["command", "args", "env", "cwd"] as const;

/** The document a row gets, as compact JSON text in the order the application writes it. */
export function targetJson(row: RowSpec): string {
  return JSON.stringify(targetDocument(row));
}

function targetDocument(row: RowSpec): Record<string, unknown> {
  const headers = row.headers ?? {};
  return {
    url: row.url,
    transport: row.transport,
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
  };
}

/** The keys we write. */
function ourKeys(row: RowSpec): string[] {
  return Object.keys(targetDocument(row));
}

/** The names that `keep` lists, without the keys that we write. */
export function keptNames({ keep = [] }: RowSpec): string[] {
  return keep === "all"
    ? []
    : keep.filter((name) => !["url", "transport", "headers"].includes(name));
}

/** Whether any key of an old document may stay. */
export function keepsAny(row: RowSpec): boolean {
  return row.keep === "all" || keptNames(row).length > 0;
}

/** The old document's keys that stay. */
export function keptKeys(row: RowSpec, keys: readonly string[]): string[] {
  const ours = [...ourKeys(row), "headers"];
  const { keep = [] } = row;
  return keys.filter(
    (key) =>
      !ours.includes(key) &&
      (keep === "all" ? !(stdioKeys as readonly string[]).includes(key) : keep.includes(key)),
  );
}

/**
 * Whether a document already is the target of the row. Headers may be missing: the application erases them with
 * each of its own writes, and otherwise every run would write them again. The same is true for another path
 * where the application owns it. In SQL: `isTargetSql`.
 */
export function isTarget(content: Readonly<Record<string, unknown>>, row: RowSpec): boolean {
  const target = targetDocument(row);
  const keys = Object.keys(content);
  const kept = keptKeys(row, keys);
  const own = keys.filter((key) => !kept.includes(key));
  return (
    own.every(
      (key) =>
        isDeepStrictEqual(content[key], target[key]) ||
        (key === "url" && ownsUrl(row) && sameServer(content.url, row.url)),
    ) && ["url", "transport"].every((key) => own.includes(key))
  );
}
