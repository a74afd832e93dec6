import { createHash } from "node:crypto";

import { canonicalJson } from "@mcp-fleet/errors";

import { ownsUrl } from "./application-owned";
import { keyOf } from "./keys";
import type { CutoverSpec, RowSpec, Target } from "./spec";

/**
 * The hash of what a run writes: equal hashes mean equal rows. How a run writes (conflict policy, fence, timeouts,
 * configured credentials) is not part of it. An undo depends on the journal alone.
 */
export function specHash(spec: CutoverSpec, target: Target): string {
  // A run needs it several times, and with many rows it takes a while.
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

/** Headers whose value is in the configuration. Others are left out: a short secret could be guessed from a hash. */
function plainHeaders({ headers = {}, headersFrom = {} }: RowSpec): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !Object.hasOwn(headersFrom, name)),
  );
}
