import { describe, type ParsedDocument, plainUrl } from "../../decide/document";
import { keyName, keyOf } from "../../decide/keys";
import type { StoredRow } from "../../decide/rows";
import type { RowSpec } from "../../decide/spec";
import type { ForwardInput, ForwardStep, PlanNotes } from "../../decide/steps";
import { isTarget } from "../../decide/target-document";

/**
 * Whether a row already has its target form, so that a run keeps it.
 * @param differing `set` columns with other values
 */
export function isUnchanged(
  input: Pick<ForwardInput, "previous" | "samePlan">,
  row: RowSpec,
  { format, path, content }: ParsedDocument,
  differing: readonly string[],
): boolean {
  const there = format === "json" && path.length === 0 && isTarget(content, row);
  return there && leavesColumns(input, differing);
}

/** Whether other values in `set` columns stay: they were changed after a run with the same plan. */
export function leavesColumns(
  { previous, samePlan }: Pick<ForwardInput, "previous" | "samePlan">,
  differing: readonly string[],
): boolean {
  return differing.length === 0 || (previous !== undefined && samePlan);
}

/** A row that already has its target form. */
export interface Unchanged {
  readonly found: StoredRow;
  readonly document: ParsedDocument;
  /** `set` columns with other values. */
  readonly differing: readonly string[];
}

/** Plan: the row is not written. It is journalled, so that the fence protects it and an undo knows it. */
export function planUnchanged(
  { carries }: Pick<ForwardInput, "carries">,
  row: RowSpec,
  { found, document, differing }: Unchanged,
  { changes, warnings }: PlanNotes,
): ForwardStep {
  const { content, path } = document;
  const key = keyName(keyOf(row.key));
  if (differing.length > 0) {
    warnings.push(
      `The row ${key} has another ${differing.join(", ")} than configured: changed since.`,
    );
  }
  changes.push({
    key,
    action: "unchanged",
    from: describe(content),
    // The URL as stored, since the application may own its path.
    to: plainUrl(String(content.url)),
  });
  return {
    ...{ action: "unchanged", spec: row, keyFound: found.key, keyAfter: found.key, at: found.at },
    ...{ count: 1, path, carry: carries },
  };
}
