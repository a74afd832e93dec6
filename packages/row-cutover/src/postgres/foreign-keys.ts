import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { TableShape } from "./table";

/** A foreign key as the catalog has it. */
export interface Reference {
  readonly oid: string;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly targets: readonly string[];
  /** Whether it is ON UPDATE CASCADE. */
  readonly cascades: boolean;
  /** Whether the table refers to itself. */
  readonly self: boolean;
}

/** Every foreign key that points to the table. */
export async function referencesTo(client: Client, shape: TableShape): Promise<Reference[]> {
  const found = await client.query<Reference>(
    `select c.oid::text as oid, n.nspname as schema, c.relname as table, k.confupdtype = 'c' as cascades,
            k.conrelid = k.confrelid as self,
            (select array_agg(a.attname::text order by o.n) from unnest(k.conkey) with ordinality o(num, n)
               join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.num) as columns,
            (select array_agg(a.attname::text order by o.n) from unnest(k.confkey) with ordinality o(num, n)
               join pg_attribute a on a.attrelid = k.confrelid and a.attnum = o.num) as targets
       from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
      where k.contype = 'f' and k.confrelid = $1::oid and k.conparentid = 0 order by 2, 3, k.conname`,
    [String(shape.oid)],
  );
  return found.rows;
}

/**
 * An undo removes a row that the run inserted, unless another row refers to it by then. So it has to see all rows that
 * may refer to it.
 * @throws UserError naming a table whose rows are hidden
 */
export async function checkReadableReferences(
  client: Client,
  references: readonly Reference[],
): Promise<void> {
  for (const { oid, schema, table } of references) {
    const found = await client.query<{ hidden: boolean }>(
      "select row_security_active($1::oid) as hidden",
      [oid],
    );
    if (found.rows[0]?.hidden === false) continue;
    throw new UserError(
      `Row-level security on ${schema}.${table} hides rows from the database role, so it could not see which rows refer to a row that it removes.`,
      "Use a role with BYPASSRLS, or the table's owner.",
    );
  }
}
