import { createHash } from "node:crypto";

import { ownsUrl } from "./application-owned";
import { keyOf } from "./keys";
import type { CutoverSpec, RowSpec, Target } from "./spec";

/**
 * The identity of what a run writes: equal hashes mean equal rows. How a run goes about it (conflict policy,
 * fence, timeouts, the list of configured credentials) is left out, and an undo depends on the journal alone.
 */
export function specHash(spec: CutoverSpec, target: Target): string {
  // A run asks several times, and with many rows the answer takes a while.
  const known = hashes.get(spec) ?? {};
  hashes.set(spec, known);
  return (known[target] ??= computeHash(spec, target));
}

const hashes = new WeakMap<CutoverSpec, Partial<Record<Target, string>>>();

function computeHash(spec: CutoverSpec, target: Target): string {
  const { name, table } = spec;
  const written = {
    rows: spec.rows.map((row) => ({
      key: keyOf(row.key),
      url: row.url,
      transport: row.transport,
      headers: plainHeaders(row),
      headersFrom: row.headersFrom,
      keep: row.keep ?? [],
      applicationOwns: ownsUrl(row) ? ["url"] : undefined,
      set: row.set ?? {},
      aliases: (row.aliases ?? []).map(keyOf),
      seed: row.seed ?? null,
    })),
    deferred: spec.deferred.map(keyOf),
    skip: spec.skip.map(keyOf),
    softReferences: spec.softReferences,
    customAliases: spec.customAliases === "merge" ? "merge" : undefined,
  };
  const identity =
    target === "embedded" ? { name, table, target } : { name, table, target, written };
  return createHash("sha256").update(canonicalJson(identity)).digest("hex");
}

/** Those whose value stands in the configuration: out of a hash a value of few possibilities could be found. */
function plainHeaders({ headers = {}, headersFrom = {} }: RowSpec): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !Object.hasOwn(headersFrom, name)),
  );
}

/** JSON with sorted object keys, so that the order they were written in does not count. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
