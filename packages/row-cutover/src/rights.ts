import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { keyId } from "./keys";
import type { ForwardStep } from "./plan-forward";
import type { UndoStep } from "./plan-undo";
import { missingPrivilege } from "./preconditions";
import { foreignKeys } from "./references";
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
  const name = `${shape.spec.schema}.${shape.spec.table}`;
  const removes = steps.some(({ action }) => action === "merge" || action === "late");
  const needed = [
    ...(removes ? (["delete", "insert"] as const) : []),
    ...(steps.some(({ action }) => action === "seed") ? (["insert"] as const) : []),
  ];
  const missing = [...new Set(needed)].filter((right) => !shape.privileges[right]);
  if (missing.length > 0) throw missingPrivilege(name, missing);
  if (removes && spec.table.id === undefined) {
    throw new UserError(
      "Two rows of the same server have to be merged, and the column that references point to is not known.",
      "Set [cutover.table.id].",
    );
  }
  if (removes) {
    await foreignKeys(client, shape);
    for (const soft of spec.softReferences) await findSoftReference(client, spec, soft);
  }
  const renames = steps.some(
    ({ action, keyFound, keyAfter }) =>
      action === "rewrite" && keyFound !== undefined && keyId(keyFound) !== keyId(keyAfter),
  );
  if (!renames) return;
  const byKey = (await foreignKeys(client, shape)).find(
    ({ target, cascades }) => spec.table.key.includes(target) && !cascades,
  );
  if (byKey === undefined) return;
  throw new UserError(
    `The table ${byKey.schema}.${byKey.table} refers to the column ${byKey.target}, whose value has to change, and its foreign key does not pass changes on.`,
    "Declare the foreign key ON UPDATE CASCADE, or list the older key in [cutover.skip].",
  );
}

/** What an undo needs beside reading and updating the rows. @throws UserError naming the right */
export function checkUndoRights(shape: TableShape, steps: readonly UndoStep[]): void {
  const needed = [
    ...(steps.some(({ action }) => action === "insert") ? (["insert"] as const) : []),
    ...(steps.some(({ action }) => action === "remove") ? (["delete"] as const) : []),
  ];
  const missing = needed.filter((right) => !shape.privileges[right]);
  if (missing.length > 0)
    throw missingPrivilege(`${shape.spec.schema}.${shape.spec.table}`, missing);
}
