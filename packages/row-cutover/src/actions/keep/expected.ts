import type { Client } from "pg";

import { ownsUrl, withOurUrl } from "../../decide/application-owned";
import { parseDocument, toJson } from "../../decide/document";
import type { RowEntry } from "../../decide/entries";
import { keyOf } from "../../decide/keys";
import { entryColumns } from "../../decide/layout";
import type { CutoverSpec } from "../../decide/spec";
import { isAsWritten } from "../../decide/verdict";
import { inBatches } from "../../postgres/cursor";
import { ident, isAmong, jsonLiteral, keyArray, literal } from "../../postgres/identifiers";
import { inScope, type TableShape } from "../../postgres/table";
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

/**
 * Entries whose rows differ from what the run left only in a path that the application owns. They are not written
 * again. Missing headers are no difference.
 * @param wantedOf what the run left, in the form of the column's type now
 */
export async function entriesWithOtherPath(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
  wantedOf: (entry: EntryNow) => string | undefined,
): Promise<string[]> {
  const keys = spec.rows.filter(ownsUrl).map(({ key }) => keyOf(key));
  if (keys.length === 0 || run.target !== "in-cluster") return [];
  const { table } = spec;
  const config = `t.${ident(table.config)}::text`;
  const query = `select j.entry::text as entry, j.action, j.key_after as "keyAfter", j.after_config as "afterConfig", ${config} as config
      from mcp_cutover.journal j join ${shape.rows} t on ${keyArray(table.key, "t")} = j.key_after
     where j.run_id = ${literal(run.runId)} and j.kind = 'row' and ${config} is distinct from j.after_config and ${inScope(table, "t")}
       and ${isAmong(keyArray(entryColumns(table), "t"), jsonLiteral(keys))}`;
  const found: string[] = [];
  for await (const batch of inBatches<EntryNow & { config: string | null }>(client, query)) {
    for (const { config: text, ...entry } of batch) {
      const now = parseDocument(entry.keyAfter ?? [], text)?.content;
      const wanted = parseDocument(entry.keyAfter ?? [], wantedOf(entry) ?? null)?.content;
      if (now === undefined || wanted === undefined || now.url === wanted.url) continue;
      if (isAsWritten(withOurUrl(now, wanted), wanted)) found.push(entry.entry);
    }
  }
  return found;
}

/** A journal entry of a row that is there. */
export type EntryNow = Pick<RowEntry, "entry" | "action" | "keyAfter" | "afterConfig">;
