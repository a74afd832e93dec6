import type { Client } from "pg";

import { textArray } from "./documents-sql";
import { ident, keyArray } from "./identifiers";
import type { KeyValues } from "./keys";
import { hasOneOf, inBatches, namedKeys, ownRow } from "./rows";
import type { CutoverSpec } from "./spec";
import type { TableShape } from "./table";

/** A document of the application's own rows, as it is. */
export interface DocumentNow {
  /** The row's key; with `match`, the server's. */
  readonly key: KeyValues;
  /** May hold credentials. */
  readonly config: string | null;
  /** How many rows have it; one without `match`. */
  readonly count: number;
}

/** The documents of the application's own rows; where a server has many rows, each different one once. */
export async function* documentsNow(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
): AsyncGenerator<DocumentNow> {
  const { table } = spec;
  const config = `t.${ident(table.config)}::text as config`;
  const key = keyArray(table.key, "t");
  const query =
    table.match === undefined
      ? `select ${key} as key, ${config}, 1 as count
           from ${shape.rows} t where ${table.type === undefined ? hasOneOf(spec, namedKeys(spec)) : ownRow(spec)}
          order by ${table.key.map((column) => `t.${ident(column)}`).join(", ")}`
      : perServer(spec, shape, `t.${ident(table.match)}::text`, config);
  for await (const batch of inBatches<DocumentNow>(client, query)) yield* batch;
}

/** Where a server has many rows: each of its documents once. */
function perServer(spec: CutoverSpec, shape: TableShape, server: string, config: string): string {
  const named = `${server} = any(${textArray(namedKeys(spec).flat())})`;
  return `select array[${server}] as key, ${config}, count(*)::int as count
            from ${shape.rows} t
           where ${ownRow(spec)} ${spec.table.type === undefined ? `and ${named}` : ""}
           group by 1, 2 order by 1`;
}
