import { createHash } from "node:crypto";

import type { Client } from "pg";

import type { TableSpec } from "../decide/spec";
import { textArray } from "../postgres/documents-sql";
import { ident, literal } from "../postgres/identifiers";
import type { TableShape } from "../postgres/table";
import { textSettings } from "../postgres/transaction";

/**
 * Names of a cutover's triggers and of their functions. Triggers fire in the order of their names, and these have to
 * be the last, in this order.
 */
export function fenceNames(cutover: string): readonly [ask: string, look: string, keep: string] {
  const name = `zz_mcp_cutover_${createHash("sha256").update(cutover).digest("hex").slice(0, 12)}`;
  return [name, `${name}_b`, `${name}_c`];
}

/**
 * Creates the fence's three functions, whose triggers {@link raiseFence} creates. It takes no lock on the table, so
 * writers do not wait for it.
 *
 * The fence protects the rows of a run from COMMIT on: an update that changes what the run wrote keeps the run's
 * values, and is counted. Only the columns of the run are protected; all others are written. A row that the run renamed
 * or merged cannot be inserted again under its old key.
 *
 * The first and the last function handle the row, with the rights of the writing role: casts, domain checks and
 * defaults are code of the table's owner. The one in the middle has our rights. It looks the key up in the journal and
 * counts. It gets and returns text through settings of the transaction, and touches no row. A trigger fires without
 * any right on its function or schema, so none is granted.
 *
 * Columns are named only in dynamic statements, so the functions do not depend on them: the application may change a
 * column's type, also for sessions that fired the triggers before.
 */
export async function makeFence(
  client: Client,
  cutover: string,
  shape: TableShape,
  run: { readonly runId: string; readonly columns: readonly string[] },
): Promise<void> {
  const { key, config, updatedAt } = shape.spec;
  const held = [...new Set([config, ...key, ...run.columns])].filter(
    // A generated column has no value yet in a BEFORE trigger.
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
    // Keys have to be converted to text as in the journal, whatever the writer's settings are.
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

/** Settings of the transaction between the functions: the key of the row, and whether its write is blocked. */
export const question = "mcp_cutover.question";

export const answer = "mcp_cutover.answer";

/** The row's key as text, where a write changes a protected column. With the writer's rights. */
function keyBody({ key, where = [] }: TableSpec, held: readonly string[]): string {
  // A row that is marked as deleted may have the key of another one. Other conditions compare text, which may be
  // converted differently here, so rows that do not meet those are protected too.
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

/** Decides whether the key is protected, and counts the write. With our rights, on text alone. */
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
 * The row with our columns as they were and all others as they are written. It is not converted to `jsonb`, which would
 * lose JSON null, the order of keys and array bounds. An insert is dropped. With the writer's rights.
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

/** Revokes what default privileges granted on the new functions. */
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
