import { createHash } from "node:crypto";

import type { Client } from "pg";

import type { TableSpec } from "../decide/spec";
import { textArray } from "../postgres/documents-sql";
import { ident, literal } from "../postgres/identifiers";
import type { TableShape } from "../postgres/table";
import { textSettings } from "../postgres/transaction";

/**
 * Names of a cutover's triggers and of their functions. Triggers fire by name, and these should have the last word, in
 * this order.
 */
export function fenceNames(cutover: string): readonly [ask: string, look: string, keep: string] {
  const name = `zz_mcp_cutover_${createHash("sha256").update(cutover).digest("hex").slice(0, 12)}`;
  return [name, `${name}_b`, `${name}_c`];
}

/**
 * Makes the fence's three functions, which {@link raiseFence} hangs on the table. It takes no lock of the table, so
 * that writers do not wait for it.
 *
 * The fence holds the rows of a run: from its COMMIT on, whoever writes one of them back gets the row as the run
 * left it, and the write is counted. Only the columns of the run are held; all others go through. A row the run renamed
 * or merged cannot be inserted again under its old key.
 *
 * What is made of rows runs as whoever writes: casts, checks of domains and defaults are code of the table's owner.
 * What needs our rights, looking a key up and counting, is the function in the middle: it gets text and answers with
 * text, by settings of the transaction, and touches no row. A trigger fires without any right on its function or its
 * schema, so nobody is granted one.
 *
 * Columns are named in statements that are made when they are run, so that the database knows nothing of it: the
 * application may change a column's type, and sessions that fired the triggers before that go on working.
 */
export async function makeFence(
  client: Client,
  cutover: string,
  shape: TableShape,
  run: { readonly runId: string; readonly columns: readonly string[] },
): Promise<void> {
  const { key, config, updatedAt } = shape.spec;
  const held = [...new Set([config, ...key, ...run.columns])].filter(
    // What the database computes has no value yet when a trigger looks at it.
    (column) => column !== updatedAt && shape.columns.get(column)?.generated !== true,
  );
  const kept = [...held, ...(updatedAt === undefined ? [] : [updatedAt])];
  const [ask, look, keep] = fenceNames(cutover);
  const bodies = {
    [ask]: keyBody(shape.spec, held),
    [look]: holdBody(run.runId),
    [keep]: restoreBody(kept),
  };
  for (const [name, body] of Object.entries(bodies)) {
    const rights = name === look ? "security definer" : "security invoker";
    // The journal has keys as they read in a session of ours, whatever the writer's own is set to.
    const settings = name === ask ? setClauses(textSettings) : "";
    await client.query(
      `create or replace function mcp_cutover.${ident(name)}() returns trigger language plpgsql ${rights}
         set search_path = pg_catalog, pg_temp ${settings} as ${literal(body)}`,
    );
  }
  await closeFunctions(client, Object.keys(bodies));
}

function setClauses(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `set ${name} = ${value}`)
    .join(" ");
}

/** What is asked for, and what the answer was; both of one row. */
export const question = "mcp_cutover.question";

export const answer = "mcp_cutover.answer";

/** Text of the row's key, where somebody writes what is held. As whoever writes. */
function keyBody({ key, where = [] }: TableSpec, held: readonly string[]): string {
  // A row that is marked as deleted may have the key of another one. Other conditions compare text, which reads
  // differently here, so rows that do not meet those are held with the others.
  const marked = where
    .filter(({ operator }) => operator === "is null" || operator === "is not null")
    .map(({ column, operator }) => ` and ($1).${ident(column)} ${operator}`)
    .join("");
  const keyOf = `jsonb_build_array(${key.map((column) => `($1).${ident(column)}::text`).join(", ")})::text`;
  const differs = held.map(
    (column) => `($1).${ident(column)}::text is distinct from ($2).${ident(column)}::text`,
  );
  const changed = `select case when (${differs.join(" or ")})${marked} then ${keyOf} end`;
  return `
declare
  asked text;
begin
  perform set_config('${answer}', '', true);
  if tg_op = 'INSERT' then
    execute ${literal(`select ${keyOf}`)} into asked using new;
  else
    execute ${literal(changed)} into asked using old, new;
  end if;
  perform set_config('${question}', coalesce(asked, ''), true);
  return new;
end`;
}

/** Whether the run holds the key; if so, the write is counted. With our rights, on text alone. */
function holdBody(runId: string): string {
  return `
declare
  row_key text[] := array(select jsonb_array_elements_text(current_setting('${question}')::jsonb));
begin
  perform set_config('${question}', '', true);
  if tg_op = 'INSERT' then
    if not exists (
      select from mcp_cutover.journal j
       where j.run_id = '${runId}' and j.kind = 'row' and row_key in (j.key_found, j.key_before)
         and (j.key_found <> j.key_after or j.key_before <> j.key_after) and j.key_after <> row_key
    ) then
      return new;
    end if;
  elsif not exists (
    select from mcp_cutover.journal j
     where j.run_id = '${runId}' and j.kind = 'row' and j.key_after = row_key and j.action not in ('merge', 'late')
  ) then
    return new;
  end if;
  insert into mcp_cutover.fenced_write (run_id, row_key, operation, written_by, written_at)
    values ('${runId}', row_key, lower(tg_op), session_user, clock_timestamp());
  perform set_config('${answer}', 'held', true);
  return new;
end`;
}

/**
 * The row with our columns as they were, and every other one as it is written, not as some other type has it: `jsonb`
 * knows no `null` in a column beside SQL's own, no order of keys and no bounds of arrays. None at all for an insert. As
 * whoever writes.
 */
function restoreBody(kept: readonly string[]): string {
  return `
begin
  perform set_config('${answer}', '', true);
  if tg_op = 'INSERT' then
    return null;
  end if;
  execute (select 'select ' || string_agg(format('($%s).%I', case when attname = any(${textArray(kept)}) then 1 else 2 end, attname), ', ' order by attnum)
             from pg_attribute where attrelid = tg_relid and attnum > 0 and not attisdropped)
    into new using old, new;
  return new;
end`;
}

/** Whoever has a right on new functions by default has none on these. */
async function closeFunctions(client: Client, names: readonly string[]): Promise<void> {
  const found = await client.query<{ sql: string }>(
    `select distinct format('revoke all on function %s from %s cascade', p.oid::regprocedure,
              case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end) as sql
       from pg_proc p join pg_namespace n on n.oid = p.pronamespace,
            aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
      where n.nspname = 'mcp_cutover' and p.proname = any($1::text[]) and a.grantee <> p.proowner`,
    [names],
  );
  for (const { sql } of found.rows) await client.query(sql);
}
