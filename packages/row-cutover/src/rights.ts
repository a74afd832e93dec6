import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { shownName } from "./identifiers";
import { keyId } from "./keys";
import type { ForwardStep } from "./plan-forward";
import type { UndoStep } from "./plan-undo";
import { missingPrivilege } from "./preconditions";
import { foreignKeys, type Reference, referencesTo, refuseDeeper } from "./references";
import { findSoftReference } from "./soft-references";
import type { CutoverSpec } from "./spec";
import type { TableShape } from "./table";

/**
 * What a run forward needs beside reading and updating the rows.
 * @throws UserError naming the table and the right, or the foreign key that is in the way
 */
export async function checkForwardRights(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  steps: readonly ForwardStep[],
): Promise<void> {
  const name = shownName(shape.spec.schema, shape.spec.table);
  const removes = steps.some(({ action }) => action === "merge" || action === "late");
  const seeds = steps.some(({ action }) => action === "seed");
  const needed = [
    ...(removes ? (["delete", "insert"] as const) : []),
    // The way back removes what was made.
    ...(seeds ? (["insert", "delete"] as const) : []),
  ];
  const missing = [...new Set(needed)].filter((right) => !shape.privileges[right]);
  if (missing.length > 0) throw missingPrivilege(name, missing);
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
    const found = await client.query<{ may: boolean; hidden: boolean }>(
      "select has_table_privilege($1::oid, 'select') as may, row_security_active($1::oid) as hidden",
      [oid],
    );
    const { may = false, hidden = true } = found.rows[0] ?? {};
    if (!may) throw missingPrivilege(shownName(schema, table), ["select"]);
    if (!hidden) continue;
    throw new UserError(
      `Row-level security on ${schema}.${table} hides rows from the database role, so it would not see who refers to a row that it removes.`,
      "Use a role with BYPASSRLS, or the table's owner.",
    );
  }
}

/** What an undo needs beside reading and updating the rows. @throws UserError naming the right */
export function checkUndoRights(shape: TableShape, steps: readonly UndoStep[]): void {
  const needed = [
    ...(steps.some(({ action }) => action === "insert") ? (["insert"] as const) : []),
    ...(steps.some(({ action }) => action === "remove") ? (["delete"] as const) : []),
  ];
  const missing = needed.filter((right) => !shape.privileges[right]);
  if (missing.length > 0)
    throw missingPrivilege(shownName(shape.spec.schema, shape.spec.table), missing);
}
