import { UserError } from "@mcp-fleet/errors";

import { keyId } from "../../decide/keys";
import type { ForwardStep } from "../../decide/steps";
import { referencesTo } from "../../postgres/foreign-keys";
import type { Action, Checked, ForwardRun } from "../action";
import { planRestore } from "../restore/plan";
import { restoreRows } from "../restore/write";
import { planMain } from "./plan";
import { journalRows, rowsPerStatement, writeRows } from "./write";

/**
 * Gives rows their new documents, and with them their keys and `set` columns. Rows that already have their
 * target form (`unchanged`) are only journalled, for the write fence and the undo: see `actions/keep`. The undo
 * restores them: `actions/restore`.
 */
export const rewrite: Action = {
  steps: ["rewrite", "unchanged"],
  written: ["rewrite"],
  adds: 0,
  plan: planMain,
  check: checkRenames,
  write: async (run, steps) => {
    // All before-images are journalled before the first row is written.
    for (const some of inChunks(steps)) await journalRows(run, some);
    for (const some of inChunks(steps)) await writeRows(run, some);
    return 0;
  },
  entries: ["rewrite", "restore", "unchanged", "removed", "inserted"],
  planUndo: planRestore,
  undoSteps: ["restore", "unchanged"],
  undo: restoreRows,
};

/** The same for a few rows, sent without waiting for an answer in between: writers of the table wait meanwhile. */
export function rewriteAtOnce(run: ForwardRun, steps: readonly ForwardStep[]): Promise<void>[] {
  return [journalRows(run, steps), writeRows(run, steps)];
}

/** @throws UserError where a key has to change that another table refers to */
async function checkRenames(
  { client, spec, shape }: Checked,
  steps: readonly ForwardStep[],
): Promise<void> {
  const renames = steps.some(
    ({ action, keyFound, keyAfter }) =>
      action === "rewrite" && keyFound !== undefined && keyId(keyFound) !== keyId(keyAfter),
  );
  if (!renames) return;
  const byKey = (await referencesTo(client, shape)).find(
    ({ targets, cascades, self }) =>
      spec.table.key.some((column) => targets.includes(column)) && (self || !cascades),
  );
  if (byKey === undefined) return;
  const refers = `${byKey.schema}.${byKey.table} refers to ${byKey.self ? "itself by" : "the column"} ${byKey.targets.join(", ")}`;
  if (byKey.self) {
    throw new UserError(
      `The table ${refers}, whose value has to change, so rows would be written that the journal has no entry for.`,
      "List the older key in [cutover.skip].",
    );
  }
  throw new UserError(
    `The table ${refers}, whose value has to change, and its foreign key does not pass changes on.`,
    "Declare the foreign key ON UPDATE CASCADE, or list the older key in [cutover.skip].",
  );
}

function* inChunks(steps: readonly ForwardStep[]): Generator<readonly ForwardStep[]> {
  for (let at = 0; at < steps.length; at += rowsPerStatement)
    yield steps.slice(at, at + rowsPerStatement);
}
