import type { Client } from "pg";

import { keyId, keyOf, keySet, type KeyValues } from "../../decide/keys";
import { namedKeys } from "../../decide/layout";
import type { CutoverSpec } from "../../decide/spec";
import { keyArray, qualified } from "../identifiers";
import { hasOneOfSql } from "../rows";
import { inScope } from "../table";
import { readRightsFacts, type RightsFacts } from "./facts";
import { grantOf, missingPrivileges, refuseMissing } from "./missing";
import { type RequiredRight, rightsOfRun, type RowUses, usesOf } from "./required";

/**
 * Checks the rights that every run needs. If one is missing, all that the configuration can ask for are named at once.
 * @returns the role's rights, and warnings for missing optional ones
 * @throws UserError naming the rights
 */
export async function checkRunRights(
  client: Client,
  spec: CutoverSpec,
): Promise<{ readonly facts: RightsFacts; readonly warnings: string[] }> {
  const facts = await readRightsFacts(client, spec);
  const always = rightsOfRun(facts, spec, { seeds: false, merges: false });
  if (always.some((right) => right.optional !== true && missingPrivileges(right).length > 0))
    refuseMissing(facts, rightsOfRun(facts, spec));
  return { facts, warnings: fenceWarnings(facts, always) };
}

/** Without the right to create triggers there is no fence. */
function fenceWarnings(facts: RightsFacts, rights: readonly RequiredRight[]): string[] {
  const missing = rights.filter(
    (right) => right.optional === true && missingPrivileges(right).length > 0,
  );
  const [first] = missing;
  if (first === undefined) return [];
  const grants = missing.map((right) => grantOf(right, facts.role));
  return [
    `The database role ${facts.role} may not create triggers on ${missing.map(({ on }) => on).join(", ")}, so no write fence protects the rows while old processes of the application still run; Settle writes overwritten rows again. For a fence, run as the table's owner: ${grants.join(" ")}`,
  ];
}

/**
 * Checks the rights of a later run although this one writes nothing, so that a missing right is known before the
 * day of the cutover. Objects that do not exist yet need none.
 * @returns warnings for the plan
 * @throws UserError naming the rights
 */
export async function checkReadiness(client: Client, spec: CutoverSpec): Promise<string[]> {
  const { facts, warnings } = await checkRunRights(client, spec);
  const { schema, table } = spec.table;
  if (!facts.objects.some(({ part }) => part === "rows")) {
    return [
      `The table ${schema}.${table} does not exist yet, so the role's rights on it cannot be checked.`,
    ];
  }
  refuseMissing(facts, rightsOfRun(facts, spec, await usesNow(client, spec)));
  return warnings;
}

/** What a run would do with the current rows, besides rewriting them. */
async function usesNow(client: Client, spec: CutoverSpec): Promise<RowUses> {
  const ever = usesOf(spec);
  if (!ever.seeds && !ever.merges) return ever;
  const { table } = spec;
  const name = qualified(table.schema, table.table);
  const columns = await client.query<{ there: boolean }>(
    `select count(*) = cardinality($2::text[]) as there from pg_attribute
      where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attname = any($2::text[])`,
    [name, [...table.key, ...(table.where ?? []).map(({ column }) => column)]],
  );
  // A later release of the application may add the columns.
  if (columns.rows[0]?.there !== true) return { seeds: false, merges: false };
  const found = await client.query<{ key: KeyValues }>(
    `select distinct ${keyArray(table.key, "t")} as key from ${name} t
      where ${inScope(table, "t")} and ${hasOneOfSql(spec, namedKeys(spec))}`,
  );
  const there = new Set(found.rows.map(({ key }) => keyId(key)));
  const skip = keySet(spec.skip);
  const counts = spec.rows
    .filter(({ key }) => !skip.has(keyId(keyOf(key))))
    .map((row) => ({
      // A condition is evaluated only when a row would be inserted.
      seeded: row.seed !== undefined && row.seed.condition === undefined,
      rows: [row.key, ...(row.aliases ?? [])]
        .map((key) => keyId(keyOf(key)))
        .filter((key) => there.has(key) && !skip.has(key)).length,
    }));
  return {
    seeds: counts.some(({ seeded, rows }) => seeded && rows === 0),
    merges: counts.some(({ rows }) => rows > 1),
  };
}
