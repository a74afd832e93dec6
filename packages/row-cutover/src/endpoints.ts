import type { Client } from "pg";

import { limitsOf, withClient, withTransaction } from "./client";
import { describe, parseDocument } from "./document";
import { documentsNow } from "./documents-now";
import { shown } from "./errors";
import { keyName, type KeyValues } from "./keys";
import { checkReadable, checkRole } from "./preconditions";
import type { CutoverSpec, Db, RowEndpoint } from "./spec";
import { readShape, type TableShape } from "./table";
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
        await checkRole(client, spec);
        const shape = await readShape(client, spec);
        await checkReadable(client, spec, shape);
        return spec.table.match === undefined
          ? byKey(client, spec, shape)
          : byServer(client, spec, shape);
      }),
    );
  } catch (error) {
    throw shown(error, "reading where the rows point");
  }
}

async function byKey(client: Client, spec: CutoverSpec, shape: TableShape): Promise<RowEndpoint[]> {
  const found: RowEndpoint[] = [];
  for await (const { key, config, count } of documentsNow(client, spec, shape))
    found.push({ ...endpoint(key, config), rows: count });
  return found;
}

/** Where a server has many rows, one endpoint stands for all of them that point to the same place. */
async function byServer(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
): Promise<RowEndpoint[]> {
  const found = new Map<string, RowEndpoint>();
  for await (const { key, config, count } of documentsNow(client, spec, shape)) {
    const one = endpoint(key, config);
    const id = JSON.stringify([one.key, one.shown, one.url]);
    found.set(id, { ...one, rows: (found.get(id)?.rows ?? 0) + count });
  }
  return [...found.values()];
}

function endpoint(key: KeyValues, config: string | null): Omit<RowEndpoint, "rows"> {
  const content = parseDocument(key, config)?.content ?? {};
  return {
    key: keyName(key),
    shown: describe(content),
    ...(typeof content.url === "string" ? { url: content.url } : {}),
  };
}
