import type { Client } from "pg";

import { checkSpec } from "../decide/check-spec";
import { namedKeys } from "../decide/configured";
import type { KeyValues } from "../decide/keys";
import type { CutoverSpec, Db } from "../decide/spec";
import { checkReadable } from "../postgres/check-table";
import { inBatches } from "../postgres/cursor";
import { checkRole } from "../postgres/database";
import { textArray } from "../postgres/documents-sql";
import { ident, keyArray } from "../postgres/identifiers";
import { hasOneOf, ownRow } from "../postgres/rows";
import { limitsOf, session } from "../postgres/session";
import { readShape, type TableShape } from "../postgres/table";

/** A document of the application's own rows, as it is. */
export interface DocumentNow {
  /** The row's key; with `match`, the server's. */
  readonly key: KeyValues;
  /** May hold credentials. */
  readonly config: string | null;
  /** How many rows have it; one without `match`. */
  readonly count: number;
}

/**
 * Looks at the application's own rows. READ ONLY.
 * @param name of the session, and `doing` for errors
 * @throws UserError when the table cannot be read
 */
export async function readDocuments<T>(
  db: Db,
  spec: CutoverSpec,
  { name, doing }: { readonly name: string; readonly doing: string },
  look: (documents: AsyncIterable<DocumentNow>) => Promise<T>,
): Promise<T> {
  checkSpec(spec);
  const limits = limitsOf(spec);
  return session(
    { db, name: `${name} ${spec.name}`, limits, mode: "read only", doing },
    async (client) => {
      await checkRole(client, spec);
      const shape = await readShape(client, spec);
      await checkReadable(client, spec, shape);
      return look(documentsNow(client, spec, shape));
    },
  );
}

/** The documents; where a server has many rows, each different one once. */
async function* documentsNow(
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
