import type { Client } from "pg";

import { checkSpec } from "../decide/check-spec";
import type { KeyValues } from "../decide/keys";
import type { CutoverSpec, Db } from "../decide/spec";
import { layoutOf } from "../layouts/layout-of";
import { checkReadable } from "../postgres/check-table";
import { inBatches } from "../postgres/cursor";
import { checkRole } from "../postgres/database";
import { limitsOf, session } from "../postgres/session";
import { readShape } from "../postgres/table";

/** A document of the application's own rows, as it is. */
export interface DocumentNow {
  /** The row's key; with `match`, the server's. */
  readonly key: KeyValues;
  /** May hold credentials. */
  readonly config: string | null;
  /** How many rows have it. */
  readonly count: number;
}

/**
 * Reads the documents of the application's own rows. READ ONLY.
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
      return look(rowsOf(client, layoutOf(spec).documents(spec, shape)));
    },
  );
}

async function* rowsOf(client: Client, query: string): AsyncGenerator<DocumentNow> {
  for await (const batch of inBatches<DocumentNow>(client, query)) yield* batch;
}
