import { createHash } from "node:crypto";

import type { Client } from "pg";

import { ident, literal } from "./identifiers";
import type { CutoverSpec } from "./spec";
import type { TableShape } from "./table";

/** The transaction-local setting that lets our own writes through. */
const writerSetting = "mcp_cutover.writer";

/** Lets the rest of this transaction write rows that a fence holds. */
export async function enterAsWriter(client: Client, runId: string): Promise<void> {
  await client.query("select set_config($1, $2, true)", [writerSetting, runId]);
}

/** Name of a cutover's trigger and function. Triggers fire by name, and this one should have the last word. */
function fenceName(cutover: string): string {
  return `zz_mcp_cutover_${createHash("sha256").update(cutover).digest("hex").slice(0, 12)}`;
}

/** Whether a run leaves a fence on the table. */
export function isFenced(spec: Pick<CutoverSpec, "fence">, shape: TableShape): boolean {
  return spec.fence && shape.privileges.trigger;
}

/** Whether the cutover's fence is on the table now. */
export async function fenceExists(
  client: Client,
  cutover: string,
  shape: Pick<TableShape, "oid">,
): Promise<boolean> {
  const found = await client.query<{ there: boolean }>(
    "select exists (select from pg_trigger where tgrelid = $1::oid and tgname = $2) as there",
    [String(shape.oid), fenceName(cutover)],
  );
  return found.rows[0]?.there === true;
}

/**
 * Makes the fence's function, which {@link raiseFence} hangs on the table. It takes no lock of the table, so that
 * writers do not wait for it.
 *
 * The fence holds the rows of a run: from its COMMIT on, whoever writes one of them back gets the row as the run
 * left it, and the write is counted. Only the columns of the run are held; all others go through. A row the run renamed
 * or merged cannot be inserted again under its old key.
 *
 * The function compares rows as a whole, as jsonb. It names no column in a way the database knows about, so the
 * application may change the column's type, and sessions that fired it before that go on working. It runs with
 * its owner's rights, so the application's role needs none on our schema.
 */
export async function makeFence(
  client: Client,
  cutover: string,
  shape: TableShape,
  run: { readonly runId: string; readonly columns: readonly string[] },
): Promise<void> {
  const name = ident(fenceName(cutover));
  const { key, config, updatedAt } = shape.spec;
  const held = [...new Set([config, ...key, ...run.columns])].filter(
    (column) => column !== updatedAt,
  );
  const kept = [...held, ...(updatedAt === undefined ? [] : [updatedAt])];
  const keyOf = (row: string): string =>
    `array[${key.map((column) => `${row} ->> ${literal(column)}`).join(", ")}]`;
  const textArray = (columns: readonly string[]): string =>
    `array[${columns.map((column) => literal(column)).join(", ")}]::text[]`;
  const body = `
declare
  old_row jsonb;
  new_row jsonb := to_jsonb(new);
  row_key text[];
begin
  if coalesce(current_setting('${writerSetting}', true), '') <> '' then
    return new;
  end if;
  if tg_op = 'INSERT' then
    row_key := ${keyOf("new_row")};
    if not exists (
      select from mcp_cutover.journal j
       where j.run_id = '${run.runId}' and j.kind = 'row' and row_key in (j.key_found, j.key_before)
         and (j.key_found <> j.key_after or j.key_before <> j.key_after) and j.key_after <> row_key
    ) then
      return new;
    end if;
    insert into mcp_cutover.fenced_write values ('${run.runId}', row_key, 'insert', session_user, clock_timestamp());
    return null;
  end if;
  old_row := to_jsonb(old);
  if not exists (
    select from unnest(${textArray(held)}) c where old_row -> c is distinct from new_row -> c
  ) then
    return new;
  end if;
  row_key := ${keyOf("old_row")};
  if not exists (
    select from mcp_cutover.journal j
     where j.run_id = '${run.runId}' and j.kind = 'row' and j.key_after = row_key and j.action not in ('merge', 'late')
  ) then
    return new;
  end if;
  insert into mcp_cutover.fenced_write values ('${run.runId}', row_key, 'update', session_user, clock_timestamp());
  return jsonb_populate_record(old, new_row - ${textArray(kept)});
end`;
  await client.query(
    `create or replace function mcp_cutover.${name}() returns trigger language plpgsql security definer
       set search_path = pg_catalog, pg_temp as ${literal(body)};
     revoke all on function mcp_cutover.${name}() from public`,
  );
}

/** From COMMIT on, the table is fenced. Our own writes pass by without a call of the function. */
export async function raiseFence(
  client: Client,
  cutover: string,
  shape: TableShape,
): Promise<void> {
  const name = ident(fenceName(cutover));
  await client.query(
    `create or replace trigger ${name} before insert or update on ${shape.name} for each row
       when (coalesce(current_setting('${writerSetting}', true), '') = '') execute function mcp_cutover.${name}()`,
  );
}

/**
 * Takes the fence away. Dropping the function takes its trigger along, which also works for a role that may
 * make triggers on the table but does not own it.
 * @returns whether there was one
 */
export async function dropFence(client: Client, cutover: string): Promise<boolean> {
  const name = fenceName(cutover);
  const found = await client.query(
    "select from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'mcp_cutover' and p.proname = $1",
    [name],
  );
  if (found.rowCount === 0) return false;
  await client.query("set local client_min_messages = warning");
  await client.query(`drop function mcp_cutover.${ident(name)}() cascade`);
  return true;
}

/** How many writes a run's fence held off so far. */
export async function countFenced(client: Client, runId: string): Promise<number> {
  const found = await client.query<{ count: number }>(
    "select count(*)::int as count from mcp_cutover.fenced_write where run_id = $1",
    [runId],
  );
  return found.rows[0]?.count ?? 0;
}
