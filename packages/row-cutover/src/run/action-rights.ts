import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { keyId } from "../decide/keys";
import { foreignKeys, type Reference, referencesTo, refuseDeeper } from "../merge/references";
import { findSoftReference } from "../merge/soft-references";
import { refuseMissing, rightsOfRun } from "../postgres/required-rights";
import type { RightsFacts } from "../postgres/rights-facts";
import type { TableShape } from "../postgres/table";
import type { UndoStep } from "../restore/plan";
import type { CutoverSpec } from "../spec";
import type { ForwardStep } from "./plan-forward";

/**
 * What a run forward needs beside reading and updating the rows.
 * @throws UserError naming the table and the right, or the foreign key that is in the way
 */
export async function checkForwardRights(
  client: Client,
  spec: CutoverSpec,
  { shape, facts }: { readonly shape: TableShape; readonly facts: RightsFacts },
  steps: readonly ForwardStep[],
): Promise<void> {
  const removes = steps.some(({ action }) => action === "merge" || action === "late");
  const seeds = steps.some(({ action }) => action === "seed");
  refuseMissing(facts, rightsOfRun(facts, spec, { seeds, merges: removes }));
  if (removes && spec.table.id === undefined) {
    throw new UserError(
      "Two rows of the same server have to be merged, and the column that references point to is not known.",
      "Set [cutover.table.id].",
    );
  }
  const references = await referencesTo(client, shape);
  if (seeds) await checkReadableReferences(client, references);
  if (removes) {
    const keys = await foreignKeys(client, shape);
    for (const { action, keyFound, keyAfter } of steps) {
      if (action === "merge" || action === "late")
        await refuseDeeper(client, shape, keys, [keyFound ?? [], keyAfter]);
    }
    for (const soft of spec.softReferences) await findSoftReference(client, spec, soft);
  }
  const renames = steps.some(
    ({ action, keyFound, keyAfter }) =>
      action === "rewrite" && keyFound !== undefined && keyId(keyFound) !== keyId(keyAfter),
  );
  if (!renames) return;
  const byKey = references.find(
    ({ targets, cascades, self }) =>
      spec.table.key.some((column) => targets.includes(column)) && (self || !cascades),
  );
  if (byKey === undefined) return;
  const refers = `${byKey.schema}.${byKey.table} refers to ${byKey.self ? "itself by" : "the column"} ${byKey.targets.join(", ")}`;
  if (byKey.self) {
    throw new UserError(
      `The table ${refers}, whose value has to change, so rows would be written that the cutover has no entry for.`,
      "List the older key in [cutover.skip].",
    );
  }
  throw new UserError(
    `The table ${refers}, whose value has to change, and its foreign key does not pass changes on.`,
    "Declare the foreign key ON UPDATE CASCADE, or list the older key in [cutover.skip].",
  );
}

/**
 * An undo removes a row that was made, unless somebody refers to it by then: so it has to see who does.
 * @throws UserError naming a table whose rows it does not
 */
export async function checkReadableReferences(
  client: Client,
  references: readonly Reference[],
): Promise<void> {
  for (const { oid, schema, table } of references) {
    const found = await client.query<{ hidden: boolean }>(
      "select row_security_active($1::oid) as hidden",
      [oid],
    );
    if (found.rows[0]?.hidden === false) continue;
    throw new UserError(
      `Row-level security on ${schema}.${table} hides rows from the database role, so it would not see who refers to a row that it removes.`,
      "Use a role with BYPASSRLS, or the table's owner.",
    );
  }
}

/** What an undo needs beside reading and updating the rows. @throws UserError naming the right */
export function checkUndoRights(
  spec: CutoverSpec,
  facts: RightsFacts,
  steps: readonly UndoStep[],
): void {
  const merges = steps.some(({ action }) => action === "insert");
  const seeds = steps.some(({ action }) => action === "remove");
  refuseMissing(facts, rightsOfRun(facts, spec, { seeds, merges }));
}
