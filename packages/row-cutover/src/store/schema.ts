import type { Client } from "pg";

import { refuseForeignCode, refuseForeignLedger, revokeFromOthers } from "./guard";
import { type Migration, migrations, newestVersion } from "./migrations";

/**
 * Brings schema `mcp_cutover` to the newest version, for this role alone. It works from nothing, from any
 * version, and from any ledger without versions. The rights for it were checked before.
 * @throws UserError when existing objects are not this role's own
 */
export async function ensureLedger(client: Client): Promise<void> {
  await refuseForeignLedger(client);
  await migrate(client);
}

/** The same without checking the owner: for a transaction that did so. */
export async function migrate(client: Client): Promise<void> {
  if (upToDate.has(client)) return;
  const before = await versionOf(client);
  if (before === newestVersion) return void upToDate.add(client);
  if (before !== undefined && (await allWait(client, after(before)))) return;
  await lockSchema(client);
  // Another session may have done it meanwhile.
  const version = await versionOf(client);
  const missing = version === undefined ? await notThere(client) : after(version);
  if ((await apply(client, missing)) === newestVersion) upToDate.add(client);
}

/**
 * Whether the ledger exists.
 * @throws UserError when reading it would run foreign code
 */
export async function ledgerExists(client: Client): Promise<boolean> {
  if (!known.has(client)) {
    if (!(await hasTables(client))) return false;
    known.add(client);
  }
  await refuseForeignCode(client);
  return true;
}

// These are needed several times in a connection, and each query would be a tenth of a small run.
const known = new WeakSet<Client>();

const upToDate = new WeakSet<Client>();

async function hasTables(client: Client): Promise<boolean> {
  const found = await client.query<{ there: boolean }>(
    `select count(*) = 3 as there from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'mcp_cutover' and c.relname in ('run', 'journal', 'fenced_write') and c.relkind = 'r'`,
  );
  return found.rows[0]?.there === true;
}

/** @returns undefined without a ledger, or for one without versions */
async function versionOf(client: Client): Promise<number | undefined> {
  const table = await client.query<{ there: boolean }>(
    "select to_regclass('mcp_cutover.schema_version') is not null as there",
  );
  if (table.rows[0]?.there !== true) return undefined;
  const found = await client.query<{ version: number }>(
    "select version from mcp_cutover.schema_version",
  );
  return found.rows[0]?.version;
}

function after(version: number): readonly Migration[] {
  return migrations.filter((one) => one.version > version);
}

/** The migrations that a ledger without versions lacks, according to the catalog. */
async function notThere(client: Client): Promise<readonly Migration[]> {
  const found = await client.query<{ there: boolean[] }>(
    `select array[${migrations.map(({ there }) => there).join(", ")}] as there`,
  );
  return migrations.filter((_, i) => found.rows[0]?.there[i] !== true);
}

async function allWait(client: Client, pending: readonly Migration[]): Promise<boolean> {
  return pending.every(({ besideFence }) => !besideFence) && (await anyFence(client));
}

/** @returns the version that the ledger has now: not the newest where a migration has to wait for a fence to go */
async function apply(client: Client, pending: readonly Migration[]): Promise<number> {
  const fenced = pending.some(({ besideFence }) => !besideFence) && (await anyFence(client));
  const waits = pending.findIndex(({ besideFence }) => fenced && !besideFence);
  const now = waits === -1 ? pending : pending.slice(0, waits);
  const reached = waits === -1 ? newestVersion : (pending[waits]?.version ?? 1) - 1;
  const schema = await client.query<{ there: boolean }>(
    "select to_regnamespace('mcp_cutover') is not null as there",
  );
  // A role without the right to make schemas may have been given this one.
  if (schema.rows[0]?.there !== true) await client.query("create schema mcp_cutover");
  await client.query(`${now.map(({ sql }) => sql).join("\n")}
    create table if not exists mcp_cutover.schema_version (
      only_row boolean primary key default true check (only_row), version integer not null);
    revoke all on mcp_cutover.schema_version from public;
    insert into mcp_cutover.schema_version (version) values (${reached})
      on conflict (only_row) do update set version = excluded.version`);
  await revokeFromOthers(client);
  return reached;
}

/** Whether any cutover has a fence on a table. */
async function anyFence(client: Client): Promise<boolean> {
  const fences = await client.query(
    "select from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'mcp_cutover' limit 1",
  );
  return fences.rowCount !== 0;
}

/** Two first runs of different cutovers would otherwise fail at each other's CREATE. */
async function lockSchema(client: Client): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtextextended('mcp_cutover ledger', 0))");
}
