import type { Client } from "pg";

import type { CutoverSpec } from "../decide/spec";
import { ident } from "../postgres/identifiers";
import type { LockMode } from "../postgres/locks";
import type { TableShape } from "../postgres/table";
import { answer, fenceNames, question } from "./fence-functions";

/** The setting of the transaction by which the fence lets our own writes pass. */
const writerSetting = "mcp_cutover.writer";

/**
 * Makes the fence block what is still written in this transaction: deferred code that defers itself again is treated
 * like any other late writer.
 */
export async function leaveAsWriter(client: Client): Promise<void> {
  await client.query("select set_config($1, '', true)", [writerSetting]);
}

/** Lets the rest of this transaction write rows that a fence protects. */
export async function enterAsWriter(client: Client, runId: string): Promise<void> {
  await client.query("select set_config($1, $2, true)", [writerSetting, runId]);
}

/** Whether a run leaves a fence on the table. */
export function isFenced(spec: Pick<CutoverSpec, "fence">, shape: TableShape): boolean {
  return spec.fence && shape.mayCreateTriggers;
}

/** Whether the cutover's fence is on the table now. */
export async function fenceExists(
  client: Client,
  cutover: string,
  shape: Pick<TableShape, "oid">,
): Promise<boolean> {
  const found = await client.query<{ there: boolean }>(
    `select exists (select from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_namespace n on n.oid = p.pronamespace
       where t.tgrelid = $1::oid and n.nspname = 'mcp_cutover' and p.proname = $2) as there`,
    [String(shape.oid), fenceNames(cutover)[0]],
  );
  return found.rows[0]?.there === true;
}

/** Creates the triggers, which protect the rows from COMMIT on. Our own writes do not call their functions. */
export async function raiseFence(
  client: Client,
  cutover: string,
  shape: TableShape,
): Promise<void> {
  const [ask, look, keep] = fenceNames(cutover);
  const set = (name: string): string => `coalesce(current_setting('${name}', true), '')`;
  const conditions = {
    [ask]: `${set(writerSetting)} = ''`,
    [look]: `${set(writerSetting)} = '' and ${set(question)} <> ''`,
    [keep]: `${set(writerSetting)} = '' and ${set(answer)} <> ''`,
  };
  await client.query(
    Object.entries(conditions)
      .map(
        ([name, condition]) =>
          `create or replace trigger ${ident(name)} before insert or update on ${shape.name} for each row
             when (${condition}) execute function mcp_cutover.${ident(name)}()`,
      )
      .join("; "),
  );
}

/**
 * Removes the fence. Dropping the functions drops their triggers too, which a role can do that does not own the table.
 * @returns whether there was one
 */
export async function dropFence(client: Client, cutover: string): Promise<boolean> {
  // A fence of an earlier release is one function.
  const found = await client.query<{ name: string }>(
    `select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'mcp_cutover' and p.proname = any($1::text[])`,
    [fenceNames(cutover)],
  );
  if (found.rows.length === 0) return false;
  await client.query("set local client_min_messages = warning");
  await client.query(`drop function ${found.rows.map(({ name }) => name).join(", ")} cascade`);
  return true;
}

/** How many writes a run's fence has blocked so far. */
export async function countFenced(client: Client, runId: string): Promise<number> {
  const found = await client.query<{ count: number }>(
    "select count(*)::int as count from mcp_cutover.fenced_write where run_id = $1",
    [runId],
  );
  return found.rows[0]?.count ?? 0;
}

/**
 * The lock that a run needs. Writers wait and readers go on, unless a fence will be dropped, which locks readers out too.
 * Taking the stronger lock later could deadlock with a writer that waits for one of our rows.
 */
export async function lockMode(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
): Promise<LockMode> {
  const drops = !isFenced(spec, shape) && (await fenceExists(client, spec.name, shape));
  return drops ? "access exclusive" : "share row exclusive";
}
