import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { foreignKeys, refuseDeeper } from "../actions/merge/references";
import { findSoftReference } from "../actions/merge/soft-references";
import { keyId } from "../decide/keys";
import type { CutoverSpec } from "../decide/spec";
import type { ForwardStep, UndoStep } from "../decide/steps";
import { checkReadableReferences, referencesTo } from "../postgres/foreign-keys";
import { refuseMissing } from "../postgres/missing-rights";
import { rightsOfRun } from "../postgres/required-rights";
import type { RightsFacts } from "../postgres/rights-facts";
import type { TableShape } from "../postgres/table";

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
