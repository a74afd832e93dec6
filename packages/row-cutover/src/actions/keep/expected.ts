import { parseDocument, toJson } from "../../decide/document";
import type { RowEntry } from "../../decide/entries";
import { literal } from "../../postgres/identifiers";
import type { TableShape } from "../../postgres/table";
import type { Run } from "../../store/ledger";

const holdingActions = ["rewrite", "restore", "seed", "unchanged", "inserted"];

export const holdingActionsSql = `(${holdingActions.map((action) => literal(action)).join(", ")})`;

/** The document that a run left in a row, in the form of the column's type now, which the application may have changed. */
export function expectedDocument(
  entry: Pick<RowEntry, "action" | "keyAfter" | "afterConfig">,
  run: Run,
  shape: TableShape,
): string | undefined {
  if (
    !holdingActions.includes(entry.action) ||
    entry.afterConfig === null ||
    entry.keyAfter === null
  )
    return undefined;
  if (run.configType !== "text" || shape.configType === "text") return entry.afterConfig;
  const document = parseDocument(entry.keyAfter, entry.afterConfig);
  if (document === undefined) return undefined;
  const plain = document.format === "json" && document.path.length === 0;
  return plain ? entry.afterConfig : toJson(document.content);
}
