import { limitsOf, withClient, withTransaction } from "./client";
import { describe, parseDocument } from "./document";
import { shown } from "./errors";
import { keyName } from "./keys";
import { checkTable } from "./preconditions";
import { isOwn, namedKeys, readRows } from "./rows";
import type { CutoverSpec, Db, RowEndpoint } from "./spec";
import { readShape } from "./table";
import { checkSpec } from "./validate";

/**
 * Where each of the application's own rows points now, whoever wrote it. READ ONLY.
 * @throws UserError when the table cannot be read
 */
export async function readEndpoints(db: Db, spec: CutoverSpec): Promise<RowEndpoint[]> {
  checkSpec(spec);
  const limits = limitsOf(spec);
  try {
    return await withClient(db, `endpoints ${spec.name}`, limits, (client) =>
      withTransaction(client, limits, "read only", async () => {
        const shape = await readShape(client, spec);
        checkTable(shape);
        const rows = await readRows(client, spec, shape, {
          keys: namedKeys(spec),
          columns: [],
        });
        return [...rows.values()]
          .filter((row) => isOwn(spec, row))
          .map((row) => {
            const content = parseDocument(row.key, row.config)?.content ?? {};
            return {
              key: keyName(row.key),
              shown: describe(content),
              ...(typeof content.url === "string" ? { url: content.url } : {}),
            };
          });
      }),
    );
  } catch (error) {
    throw shown(error, "reading where the rows point");
  }
}
