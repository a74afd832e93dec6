import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { keyOf, listed } from "../decide/keys";
import { entryColumns } from "../decide/layout";
import type { CutoverSpec } from "../decide/spec";
import { isAmong, jsonLiteral, keyArray } from "./identifiers";
import { isOwnSql } from "./rows";
import type { TableShape } from "./table";

/**
 * Checks that an undo can find every row again by its key: no part of it is NULL, and no other row has the same key.
 * @throws UserError that lists the keys
 */
export async function checkRowKeys(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
): Promise<void> {
  if (await isIdentifying(client, shape)) return;
  const key = keyArray(spec.table.key, "t");
  const match = keyArray(entryColumns(spec.table), "t");
  const configured = spec.rows.flatMap((row) => [row.key, ...(row.aliases ?? [])]).map(keyOf);
  const found = await client.query<{ key: (string | null)[]; count: number }>(
    `select key, count(*)::int as count from (
       select ${key} as key, ${isOwnSql(spec)} and (array_position(${match}, null) is not null or ${isAmong(match, jsonLiteral(configured))}) as moves
         from ${shape.rows} t) x
      group by key having bool_or(moves) and (count(*) > 1 or array_position(key, null) is not null)
      order by key limit 21`,
  );
  if (found.rows.length === 0) return;
  const { schema, table, key: columns } = spec.table;
  const names = found.rows.map(
    ({ key: values, count }) =>
      `${values.map((value) => value ?? "NULL").join("/")}${count > 1 ? ` (${count} rows)` : ""}`,
  );
  throw new UserError(
    `Rows of ${schema}.${table} have no unique key, so an undo could not find them again: ${listed(names)} (${columns.join(", ")}).`,
    "Name columns in [cutover.table.key] that are unique and never NULL, or repair or delete these rows.",
  );
}

/** Whether a constraint ensures it: a unique index on key columns only, all of them NOT NULL. */
async function isIdentifying(client: Client, { oid, spec }: TableShape): Promise<boolean> {
  const found = await client.query<{ yes: boolean }>(
    `select not exists (select from pg_attribute a where a.attrelid = $1::oid and a.attname = any($2::text[]) and not a.attnotnull)
        and exists (select from pg_index i where i.indrelid = $1::oid and i.indisunique and i.indisvalid
                       and i.indpred is null and i.indexprs is null
                       and not exists (select from unnest(i.indkey::int2[]) with ordinality o(num, n)
                         join pg_attribute a on a.attrelid = i.indrelid and a.attnum = o.num
                        where o.n <= i.indnkeyatts and a.attname <> all($2::text[]))) as yes`,
    [String(oid), spec.key],
  );
  return found.rows[0]?.yes === true;
}
