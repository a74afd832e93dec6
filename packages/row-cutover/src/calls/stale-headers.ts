import { parseDocument } from "../decide/document";
import { keyId, keyName, keyOf } from "../decide/keys";
import type { CutoverSpec, Db } from "../decide/spec";
import { readDocuments } from "./documents-now";

const asked = { name: "headers", doing: "comparing headers with where they come from" };

/** Rows whose value of a header differs from the one in its source. Holds no value. */
export interface StaleHeader {
  /** The row's key; with `match`, the server's. */
  readonly key: string;
  readonly header: string;
  readonly rows: number;
}

/**
 * Compares headers that have a source (`headersFrom`) with the rows. A missing header is no difference: the application
 * erases them on each of its syncs. READ ONLY.
 * @param spec with the sources' current values in `headers`
 * @throws UserError when the table cannot be read
 */
export async function staleHeaders(db: Db, spec: CutoverSpec): Promise<StaleHeader[]> {
  return readDocuments(db, spec, asked, async (documents) => {
    const wanted = new Map(spec.rows.map((row) => [keyId(keyOf(row.key)), row]));
    const found = new Map<string, StaleHeader>();
    for await (const { key, config, count } of documents) {
      const { headers = {}, headersFrom = {} } = wanted.get(keyId(key)) ?? {};
      const now = parseDocument(key, config)?.content.headers;
      for (const header of Object.keys(headersFrom)) {
        const value = valueOf(now, header);
        if (value === undefined || value === headers[header]) continue;
        const id = JSON.stringify([key, header]);
        const rows = (found.get(id)?.rows ?? 0) + count;
        found.set(id, { key: keyName(key), header, rows });
      }
    }
    return [...found.values()];
  });
}

function valueOf(headers: unknown, name: string): unknown {
  return typeof headers === "object" && headers !== null && Object.hasOwn(headers, name)
    ? (headers as Record<string, unknown>)[name]
    : undefined;
}
