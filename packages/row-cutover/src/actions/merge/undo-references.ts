import type { Client } from "pg";

import type { ReferenceEntry } from "../../decide/entries";
import type { TableSpec } from "../../decide/spec";
import { columnsAsText, readColumns } from "../../postgres/columns";
import { ident, literal, qualified, shownName } from "../../postgres/identifiers";
import { listRights, referenceRights } from "../../postgres/rights/required";
import { checkTouched, refuseForeignOwner } from "../../postgres/touched-tables";

/**
 * Moves references back that a merge moved. What was changed or removed since stays as it is.
 * @returns how many were restored, and a warning for each that was not
 */
export async function undoReferences(
  client: Client,
  main: TableSpec,
  entries: readonly ReferenceEntry[],
): Promise<{ restored: number; warnings: string[] }> {
  let restored = 0;
  const warnings: string[] = [];
  await checkTables(client, main, entries);
  // A deleted reference is recognised by the one that replaced it, so these are restored before that one moves.
  const ordered = [...entries].sort((a, b) => rank(a) - rank(b));
  for (const entry of ordered) {
    const done =
      entry.action === "delete" ? await insertAgain(client, entry) : await moveBack(client, entry);
    if (done > 0) restored += 1;
    else {
      const { schema, table, column } = entry.detail;
      warnings.push(
        entry.action === "edit"
          ? `A list of ids in ${schema}.${table}.${column} was changed since and stays as it is.`
          : `A reference in ${schema}.${table} was removed or changed since and is not put back.`,
      );
    }
  }
  return { restored, warnings };
}

/** @throws UserError naming a table whose references this role cannot restore */
export async function checkTables(
  client: Client,
  main: TableSpec,
  entries: readonly ReferenceEntry[],
): Promise<void> {
  const names = new Map(
    entries.map(({ kind, detail }) => [qualified(detail.schema, detail.table), { kind, detail }]),
  );
  for (const [name, { kind, detail }] of names) {
    const found = await client.query<{ oid: string | null }>(
      "select to_regclass($1)::oid::text as oid",
      [name],
    );
    const oid = found.rows[0]?.oid ?? undefined;
    const rights = kind === "reference" ? referenceRights : listRights;
    if (oid !== undefined)
      await refuseForeignOwner(client, main, oid, shownName(detail.schema, detail.table));
    await checkTouched(client, oid ?? "0", shownName(detail.schema, detail.table), rights);
  }
}

function rank(entry: ReferenceEntry): number {
  return entry.action === "delete" ? 0 : 1;
}

async function moveBack(
  client: Client,
  { kind, beforeRow, detail }: ReferenceEntry,
): Promise<number> {
  const name = qualified(detail.schema, detail.table);
  const column = ident(detail.column);
  const columns = await columnTypes(client, name);
  const identity: Record<string, string | null> = {};
  for (const one of detail.identity) {
    identity[one] =
      kind === "reference" && one === detail.column ? detail.after : (beforeRow[one] ?? null);
  }
  const updated = await client.query(
    `update ${name} r set ${column} = $1::text::${columns.get(detail.column)?.type ?? "text"}
      where (r.tableoid, r.ctid) = (select f.tableoid, f.ctid from ${name} f
        where f.${column}::text = $2 and ${columnsAsText(detail.identity, "f")} = $3::jsonb limit 1)`,
    [detail.before, detail.after, JSON.stringify(identity)],
  );
  return updated.rowCount ?? 0;
}

async function insertAgain(client: Client, { beforeRow, detail }: ReferenceEntry): Promise<number> {
  const name = qualified(detail.schema, detail.table);
  const columns = await columnTypes(client, name);
  const written = [...columns].filter(
    ([column, { generated }]) => !generated && column in beforeRow,
  );
  const values = written.map(([column, { type }]) => `($1::jsonb ->> ${literal(column)})::${type}`);
  const twin = [
    `s.${ident(detail.column)}::text = $2`,
    ...(detail.twin ?? []).map(
      (one) => `s.${ident(one)}::text is not distinct from $1::jsonb ->> ${literal(one)}`,
    ),
  ];
  const inserted = await client.query(
    `insert into ${name} (${written.map(([column]) => ident(column)).join(", ")}) overriding system value
     select ${values.join(", ")} where exists (select from ${name} s where ${twin.join(" and ")})
        and not exists (select from ${name} s where ${columnsAsText(detail.identity, "s")} = $3::jsonb)`,
    [
      JSON.stringify(beforeRow),
      detail.after,
      JSON.stringify(
        Object.fromEntries(detail.identity.map((one) => [one, beforeRow[one] ?? null])),
      ),
    ],
  );
  return inserted.rowCount ?? 0;
}

async function columnTypes(client: Client, name: string): ReturnType<typeof readColumns> {
  const found = await client.query<{ oid: string }>("select $1::regclass::oid::text as oid", [
    name,
  ]);
  return readColumns(client, found.rows[0]?.oid ?? "0");
}
