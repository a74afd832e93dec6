import type { Client } from "pg";

import { limitsOf, withClient, withTransaction } from "./client";
import { describe, parseDocument } from "./document";
import { textArray } from "./documents-sql";
import { shown } from "./errors";
import { ident, keyArray } from "./identifiers";
import { keyName, type KeyValues } from "./keys";
import { checkReadable, checkRole } from "./preconditions";
import { hasOneOf, inBatches, namedKeys, ownRow } from "./rows";
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
  const { table } = spec;
  const key = keyArray(table.key, "t");
  const own = table.type === undefined ? hasOneOf(spec, namedKeys(spec)) : ownRow(spec);
  const query = `select ${key} as key, t.${ident(table.config)}::text as config
      from ${shape.rows} t where ${own}
     order by ${table.key.map((column) => `t.${ident(column)}`).join(", ")}`;
  const found: RowEndpoint[] = [];
  for await (const batch of inBatches<{ key: KeyValues; config: string | null }>(client, query)) {
    found.push(...batch.map((row) => ({ ...endpoint(row.key, row.config), rows: 1 })));
  }
  return found;
}

/** Where a server has many rows, one endpoint stands for all of them that point to the same place. */
async function byServer(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
): Promise<RowEndpoint[]> {
  const keys = namedKeys(spec).flat();
  const server = `t.${ident(spec.table.match ?? "")}::text`;
  const query = `select ${server} as server, t.${ident(spec.table.config)}::text as config, count(*)::int as count
      from ${shape.rows} t
     where ${ownRow(spec)} ${spec.table.type === undefined ? `and ${server} = any(${textArray(keys)})` : ""}
     group by 1, 2 order by 1`;
  const found = new Map<string, RowEndpoint>();
  for await (const batch of inBatches<{ server: string; config: string; count: number }>(
    client,
    query,
  )) {
    for (const { server: key, config, count } of batch) {
      const one = endpoint([key], config);
      const id = JSON.stringify([one.key, one.shown, one.url]);
      found.set(id, { ...one, rows: (found.get(id)?.rows ?? 0) + count });
    }
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
