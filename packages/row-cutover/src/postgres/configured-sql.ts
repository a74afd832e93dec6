import type { Client } from "pg";

import type { TableSpec } from "../decide/spec";
import { ident, qualified } from "./identifiers";
import { ownerWrites } from "./touched-tables";

/**
 * Makes tables of the rows' schema known to SQL of the configuration that names them without their schema. Only those
 * whose owner may write the rows: anybody may have made the others, and a view runs code. The search path stays
 * `pg_catalog` alone: in another schema somebody could create a function or an operator that hides the server's own.
 * @returns `with ... ` for the start of a query; empty when the text mentions no such table
 */
export async function namedTables(client: Client, main: TableSpec, sql: string): Promise<string> {
  const found = await client.query<{ name: string; columns: string[] }>(
    `select c.relname::text as name, array_agg(a.attname::text order by a.attnum) as columns
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and has_column_privilege(c.oid, a.attnum, 'select')
      where n.nspname = $1 and ${ownerWrites("c", "$3")} and c.relkind in ('r', 'p', 'v', 'm', 'f')
        and (strpos($2, c.relname) > 0 or strpos(lower($2), c.relname) > 0)
        and not exists (select from pg_class s join pg_namespace o on o.oid = s.relnamespace
                         where o.nspname = 'pg_catalog' and s.relname = c.relname)
      group by c.relname order by 1`,
    [main.schema, sql, qualified(main.schema, main.table)],
  );
  const tables = found.rows.map(
    ({ name, columns }) =>
      `${ident(name)} as (select ${columns.map(ident).join(", ")} from ${qualified(main.schema, name)})`,
  );
  return tables.length === 0 ? "" : `with ${tables.join(", ")} `;
}
