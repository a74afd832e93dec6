import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { ReferenceDetail } from "../../decide/entries";
import type { CutoverSpec, SoftReference } from "../../decide/spec";
import { columnsAsText, readColumns } from "../../postgres/columns";
import { namedTables } from "../../postgres/configured-sql";
import { ident, qualified, shownName } from "../../postgres/identifiers";
import { listPlace } from "../../postgres/rights/facts";
import { listRights } from "../../postgres/rights/required";
import { checkTouched, identityOf, refuseForeignOwner } from "../../postgres/touched-tables";
import type { Move } from "./references";

/**
 * Replaces an id in columns that list ids as text. If the list already has the surviving row, the other id is removed.
 * @returns how many rows were edited
 */
export async function moveSoftReferences(
  client: Client,
  spec: CutoverSpec,
  move: Move,
  runId: string | undefined,
): Promise<number> {
  const { id } = spec.table;
  const from = id === undefined ? undefined : move.from[id];
  const to = id === undefined ? undefined : move.to[id];
  if (from === null || from === undefined || to === null || to === undefined) return 0;
  let count = 0;
  for (const soft of spec.softReferences) {
    const place = await findSoftReference(client, spec, soft);
    if (place === undefined) continue;
    const name = qualified(place.schema, place.table);
    const column = ident(soft.column);
    const identity = columnsAsText(place.identity, "r");
    const tables = await namedTables(client, spec.table, soft.where);
    const found = await client.query<{ id: Record<string, string | null>; value: string }>(
      `${tables}select ${identity} as id, r.${column}::text as value from ${name} r
        where (${soft.where}) and r.${column} is not null for update of r`,
    );
    for (const row of found.rows) {
      const value = replaceId(row.value, from, to);
      if (value === row.value) continue;
      const detail: ReferenceDetail = {
        ...place,
        column: soft.column,
        before: row.value,
        after: value,
      };
      if (runId !== undefined) {
        await client.query(
          `insert into mcp_cutover.journal (run_id, kind, action, before_row, detail)
           values ($1, 'soft-reference', 'edit', $2, $3)`,
          [runId, JSON.stringify(row.id), JSON.stringify(detail)],
        );
      }
      await client.query(`update ${name} r set ${column} = $1 where ${identity} = $2::jsonb`, [
        value,
        JSON.stringify(row.id),
      ]);
      count += 1;
    }
  }
  return count;
}

/** Keeps the spacing of a list. */
function replaceId(list: string, from: string, to: string): string {
  const parts = list.split(",");
  const has = parts.some((part) => part.trim() === to);
  const replaced = has
    ? parts.filter((part) => part.trim() !== from)
    : parts.map((part) => (part.trim() === from ? part.replace(from, to) : part));
  return parts.some((part) => part.trim() === from) ? replaced.join(",") : list;
}

/**
 * Finds the table of a soft reference. @returns undefined when it does not exist, so that it refers to nothing
 * @throws UserError naming a missing right or column
 */
export async function findSoftReference(
  client: Client,
  spec: CutoverSpec,
  { table: given, column }: SoftReference,
): Promise<{ schema: string; table: string; identity: string[] } | undefined> {
  const { schema, table } = listPlace(spec, given);
  const found = await client.query<{ oid: string }>(
    `select c.oid::text as oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2`,
    [schema, table],
  );
  const row = found.rows[0];
  if (row === undefined) return undefined;
  const name = shownName(schema, table);
  await refuseForeignOwner(client, spec.table, row.oid, name);
  const touched = await checkTouched(client, row.oid, name, listRights);
  const columns = [...(await readColumns(client, row.oid)).keys()];
  if (!columns.includes(column)) {
    throw new UserError(
      `The table ${schema}.${table} has no column ${JSON.stringify(column)}.`,
      "Check [cutover.softReferences].",
    );
  }
  return { schema, table, identity: [...identityOf(name, touched, column)] };
}
