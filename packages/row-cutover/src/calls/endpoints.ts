import { describe, parseDocument } from "../decide/document";
import { keyName } from "../decide/keys";
import type { RowEndpoint } from "../decide/results";
import type { CutoverSpec, Db } from "../decide/spec";
import { type DocumentNow, readDocuments } from "./documents-now";

const asked = { name: "endpoints", doing: "reading where the rows point" };

/**
 * Where each of the application's own rows points now, whoever wrote it. READ ONLY.
 * @throws UserError when the table cannot be read
 */
export async function readEndpoints(db: Db, spec: CutoverSpec): Promise<RowEndpoint[]> {
  return readDocuments(db, spec, asked, async (documents) => {
    // Where a server has many rows, one endpoint stands for all of them that point to the same place.
    const found = new Map<string, RowEndpoint>();
    for await (const document of documents) {
      const one = endpoint(document);
      const id = JSON.stringify([one.key, one.shown, one.url]);
      found.set(id, { ...one, rows: (found.get(id)?.rows ?? 0) + document.count });
    }
    return [...found.values()];
  });
}

function endpoint({ key, config }: DocumentNow): Omit<RowEndpoint, "rows"> {
  const content = parseDocument(key, config)?.content ?? {};
  return {
    key: keyName(key),
    shown: describe(content),
    ...(typeof content.url === "string" ? { url: content.url } : {}),
  };
}
