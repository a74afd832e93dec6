import type { Client } from "pg";

import { closeLedger, refuseOthersLedger, refuseTraps } from "./guard";

/** What runs left in the rows they hold, without what was there before. */
export const leftRows = `
  select run_id, entry, action, key_before, key_after, after_config, after_columns
    from mcp_cutover.journal
   where kind = 'row' and action not in ('merge', 'late') and key_after is not null`;

/**
 * The same of the newest run of each cutover: all that a comparison needs, and no more than the rows themselves say.
 * A view reads with its owner's rights, so a login that may read it needs none on the journal; the barrier keeps
 * that login's own functions away from the journal's other entries.
 */
const newestRows = `
create or replace view mcp_cutover.newest_row with (security_barrier) as ${leftRows}
     and run_id in (select distinct on (cutover) run_id from mcp_cutover.run order by cutover, generation desc);
revoke all on mcp_cutover.newest_row from public;
`;

/** Every table has a primary key: where a publication sends it, rows cannot be deleted without one. */
const entryKey = "entry bigint generated always as identity primary key";

const ddl = `
create schema if not exists mcp_cutover;
create table if not exists mcp_cutover.run (
  cutover text not null,
  generation integer not null check (generation > 0),
  run_id uuid not null unique,
  target text not null check (target in ('in-cluster', 'embedded')),
  plan_hash text not null,
  table_name text not null,
  config_type text not null,
  system_identifier text not null,
  database_name text not null,
  who text not null,
  stack text not null,
  program_commit text,
  tool_version text not null,
  counts jsonb not null,
  journal_rows integer not null,
  fenced boolean not null,
  fenced_writes bigint not null default 0,
  converted integer not null default 0,
  committed_at timestamptz not null,
  settled_at timestamptz,
  finalized_at timestamptz,
  tools jsonb,
  protocols jsonb,
  images jsonb,
  primary key (cutover, generation)
);
create table if not exists mcp_cutover.journal (
  run_id uuid not null,
  entry bigint generated always as identity primary key,
  kind text not null check (kind in ('row', 'reference', 'soft-reference')),
  action text not null,
  key_found text[],
  key_before text[],
  key_after text[],
  row_id text,
  config_type text,
  before_config text,
  after_config text,
  before_columns jsonb,
  after_columns jsonb,
  before_row jsonb,
  detail jsonb
);
-- A run's entries lie together, and a key is only ever looked up whole: smaller and faster to fill than trees.
create index if not exists journal_run on mcp_cutover.journal using brin (run_id);
create index if not exists journal_key on mcp_cutover.journal using hash (key_after);
create index if not exists journal_renamed on mcp_cutover.journal (run_id)
  where key_found <> key_after or key_before <> key_after;
create index if not exists journal_reference on mcp_cutover.journal (run_id) where kind <> 'row';
create table if not exists mcp_cutover.fenced_write (
  run_id uuid not null,
  row_key text[] not null,
  operation text not null,
  written_by text not null,
  written_at timestamptz not null,
  ${entryKey}
);
create index if not exists fenced_write_run on mcp_cutover.fenced_write (run_id);
${newestRows}
revoke all on mcp_cutover.run, mcp_cutover.journal, mcp_cutover.fenced_write from public;
revoke all on schema mcp_cutover from public;
`;

/**
 * Makes schema, tables and view where they are missing, for this role alone. Whether it may was asked before.
 * @throws UserError when what is there is not its own
 */
export async function ensureLedger(client: Client): Promise<void> {
  await refuseOthersLedger(client);
  const found = await look(client);
  if (found.tables) {
    if (!found.view) await addView(client);
    if (!found.keys) await addKey(client);
    return;
  }
  await lockSchema(client);
  if ((await look(client)).tables) return;
  const there = await client.query("select to_regnamespace('mcp_cutover') as schema");
  const exists = (there.rows as { schema: string | null }[])[0]?.schema !== null;
  await client.query(exists ? ddl.replace(/create schema.*?;/, "") : ddl);
  await closeLedger(client);
}

/** Whether the ledger is there. @throws UserError when what is there would run code of others */
export async function ledgerExists(client: Client): Promise<boolean> {
  const { tables } = await look(client);
  if (tables) await refuseTraps(client);
  return tables;
}

/** What there is of the ledger. One of an earlier release lacks the view or a key until its owner's next run. */
interface Parts {
  readonly tables: boolean;
  readonly view: boolean;
  readonly keys: boolean;
}

/** Connections that have seen the whole ledger: asked for again and again, it would be a tenth of a small run. */
const seen = new WeakSet<Client>();
const whole: Parts = { tables: true, view: true, keys: true };

async function look(client: Client): Promise<Parts> {
  if (seen.has(client)) return whole;
  const found = await client.query<Parts>(
    `select count(*) filter (where c.relkind = 'r') = 3 as tables, count(*) filter (where c.relkind = 'v') = 1 as view,
            count(*) filter (where c.relkind = 'r' and exists (
              select from pg_index i where i.indrelid = c.oid and i.indisprimary)) = 3 as keys
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'mcp_cutover' and (c.relkind, c.relname) in
        (('r', 'run'), ('r', 'journal'), ('r', 'fenced_write'), ('v', 'newest_row'))`,
  );
  const parts = found.rows[0] ?? { tables: false, view: false, keys: false };
  if (parts.tables && parts.view && parts.keys) seen.add(client);
  return parts;
}

/** Adds the view to a ledger that an earlier release made; runs do not depend on it. */
async function addView(client: Client): Promise<void> {
  await lockSchema(client);
  if ((await look(client)).view) return;
  await client.query(newestRows);
  await closeLedger(client);
}

/**
 * Adds the primary key that an earlier release did not give to the list of held writes. Not while a fence stands,
 * whose writers have that table open: they would wait, or be ended as a deadlock's victim.
 */
export async function addKey(client: Client): Promise<void> {
  if ((await look(client)).keys) return;
  const fences = await client.query(
    "select from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'mcp_cutover' limit 1",
  );
  if (fences.rowCount !== 0) return;
  await lockSchema(client);
  if ((await look(client)).keys) return;
  await client.query(`alter table mcp_cutover.fenced_write add column if not exists ${entryKey}`);
  await closeLedger(client);
}

/** Two first runs of different cutovers would trip over each other's CREATE. */
async function lockSchema(client: Client): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtextextended('mcp_cutover ledger', 0))");
}
