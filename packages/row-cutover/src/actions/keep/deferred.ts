import { isEmbedded, parseDocument } from "../../decide/document";
import { keyId, keyName, keyOf } from "../../decide/keys";
import { isOwn, type StoredRow } from "../../decide/rows";
import type { CutoverSpec } from "../../decide/spec";

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
