import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { sameServer } from "../../decide/application-owned";
import { isEmbedded, parseDocument } from "../../decide/document";
import { keyId, keyName, keyOf, type KeyValues, listed } from "../../decide/keys";
import { entryColumns } from "../../decide/layout";
import { isOwn, type StoredRow } from "../../decide/rows";
import type { CutoverSpec } from "../../decide/spec";
import { inBatches } from "../../postgres/cursor";
import { ident, isAmong, jsonLiteral, keyArray, literal } from "../../postgres/identifiers";
import { isOwnSql } from "../../postgres/rows";
import type { TableShape } from "../../postgres/table";
import type { Run } from "../../store/ledger";

/**
 * One warning for all deferred rows that start a process: a run leaves them, but the application may rewrite them after
 * its rollout.
 */
export function deferredWarnings(
  spec: CutoverSpec,
  rows: ReadonlyMap<string, StoredRow>,
): string[] {
  const keys = spec.deferred.flatMap((key) => {
    const row = rows.get(keyId(keyOf(key)));
    if (row === undefined || !isOwn(spec, row)) return [];
    const document = parseDocument(row.key, row.config);
    return document !== undefined && isEmbedded(document.content) ? [keyName(row.key)] : [];
  });
  if (keys.length === 0) return [];
  const [rowsText, are, them] = keys.length === 1 ? ["row", "is", "it"] : ["rows", "are", "them"];
  return [
    `The ${rowsText} ${keys.join(", ")} ${are} deferred: this run leaves ${them}, but the application may rewrite ${them} by itself once it has rolled out, to a server that this stack does not make.`,
  ];
}

/**
 * Rows may still point to a server because an earlier generation moved them there. A plan without that server is
 * refused: the program is about to remove it. Listing the key in `deferred` does not help, since the row would break.
 * @throws UserError that lists the servers by key
 */
export async function refuseUnserved(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
): Promise<void> {
  const provided = [
    ...spec.skip,
    ...spec.rows.flatMap((row) => [row.key, ...(row.aliases ?? [])]),
  ].map(keyOf);
  const match = keyArray(entryColumns(spec.table), "t");
  const query = `select ${match} as key, t.${ident(shape.spec.config)}::text as config, j.after_config as written
      from mcp_cutover.journal j join ${shape.rows} t on ${keyArray(spec.table.key, "t")} = j.key_after
     where j.run_id = ${literal(run.runId)} and j.kind = 'row' and j.action not in ('merge', 'late') and ${isOwnSql(spec)}
       and not (${isAmong(match, jsonLiteral(provided))})
     order by 1`;
  const names = new Set<string>();
  for await (const rows of inBatches<Candidate>(client, query)) {
    for (const { key, config, written } of rows) {
      const url = urlOf(key, written);
      // With another path it is still the same server.
      if (url !== undefined && sameServer(urlOf(key, config), url)) names.add(keyName(key));
    }
  }
  if (names.size === 0) return;
  const [one] = [...names];
  throw new UserError(
    names.size === 1
      ? `The row ${one} points to the server that generation ${run.generation} or one before it moved it to, and no server is configured for it any more.`
      : `The rows ${listed([...names], ", ", names.size)} point to the servers that generation ${run.generation} or one before it moved them to, and no server is configured for them any more.`,
    "Keep the server in [servers]; to remove it, go back to target embedded without it first and then forward again, or delete the row in the application.",
  );
}

interface Candidate {
  readonly key: KeyValues;
  readonly config: string | null;
  readonly written: string | null;
}

function urlOf(key: KeyValues, text: string | null): unknown {
  return text === null ? undefined : parseDocument(key, text)?.content.url;
}
