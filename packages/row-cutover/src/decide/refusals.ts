import { UserError } from "@mcp-fleet/errors";

import { keyId, keyName, keyOf, keySet, listed } from "./keys";
import { isOwn, type StoredRow } from "./rows";
import type { CutoverSpec } from "./spec";

/** @throws UserError listing the application's own rows without a configured server */
export function refuseUnknown(spec: CutoverSpec, rows: ReadonlyMap<string, StoredRow>): void {
  if (spec.table.type === undefined) return;
  const known = keySet([
    ...spec.deferred,
    ...spec.skip,
    ...spec.rows.flatMap((row) => [row.key, ...(row.aliases ?? [])]),
  ]);
  const unknown = [...rows.values()].filter(
    (row) => isOwn(spec, row) && !known.has(keyId(row.key)),
  );
  refuseUnknownKeys(
    spec,
    unknown.map((row) => keyName(row.key)),
  );
}

/** @throws UserError unless the list is empty */
export function refuseUnknownKeys(spec: CutoverSpec, unknown: readonly string[]): void {
  if (unknown.length === 0) return;
  const { schema, table, type } = spec.table;
  throw new UserError(
    `${unknown.length === 1 ? "The row" : "The rows"} ${listed(unknown)} of ${schema}.${table} (${type?.column ?? ""} ${type?.value ?? ""}) ${unknown.length === 1 ? "has" : "have"} no server configured.`,
    "Configure a server for each in [servers], or list its key in [deferred] to leave the row as it is.",
  );
}

/** @throws UserError listing rows under a configured key that are a user's own */
export function refuseForeign(spec: CutoverSpec, rows: ReadonlyMap<string, StoredRow>): void {
  const skip = keySet(spec.skip);
  const foreign = spec.rows
    .map((row) => rows.get(keyId(keyOf(row.key))))
    .filter((row) => row !== undefined && !isOwn(spec, row) && !skip.has(keyId(row.key)));
  if (foreign.length === 0) return;
  throw new UserError(
    `The row ${foreign.map((row) => keyName(row?.key ?? [])).join(", ")} of ${spec.table.schema}.${spec.table.table} is a user's own server, not one of the application's, and is never touched.`,
    "Give the configured server another key in [servers.<key>.row.key], or list the key in [cutover.skip].",
  );
}
