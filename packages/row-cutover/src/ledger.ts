import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { CutoverSpec, LedgerState, RunMeta, Target, ToolLists } from "./spec";

/** The schema of ledger, journal and fence. */
export const ledgerSchema = "mcp_cutover";

/** One row of the ledger, with what only the engine needs. */
export interface Run extends LedgerState {
  readonly systemIdentifier: string;
  readonly databaseName: string;
  readonly journalRows: number;
  readonly converted: number;
  readonly configType: string;
}

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
create table if not exists mcp_cutover.fenced_write (
  run_id uuid not null,
  row_key text[] not null,
  operation text not null,
  written_by text not null,
  written_at timestamptz not null
);
create index if not exists fenced_write_run on mcp_cutover.fenced_write (run_id);
revoke all on mcp_cutover.run, mcp_cutover.journal, mcp_cutover.fenced_write from public;
revoke all on schema mcp_cutover from public;
`;

/** Makes schema and tables where they are missing. @throws UserError when the role may not */
export async function ensureLedger(client: Client): Promise<void> {
  if (await ledgerExists(client)) return;
  const may = await client.query<{ database: string; db: boolean; schema: boolean | null }>(
    `select current_database() as database,
            has_database_privilege(current_database(), 'create') as db,
            (select has_schema_privilege(oid, 'create') from pg_namespace where nspname = 'mcp_cutover') as schema`,
  );
  const rights = may.rows[0];
  const allowed = rights?.schema ?? rights?.db ?? false;
  if (!allowed) throw noLedgerRights(rights?.database ?? "", rights?.schema === false);
  // Two first runs of different cutovers would trip over each other's CREATE.
  await client.query("select pg_advisory_xact_lock(hashtextextended('mcp_cutover ledger', 0))");
  if (await ledgerExists(client)) return;
  const exists = rights?.schema !== null && rights?.schema !== undefined;
  await client.query(
    exists ? ddl.replace(/create schema.*?;/, "").replace(/revoke all on schema.*?;/, "") : ddl,
  );
}

/** Connections that have seen the ledger: asked for again and again, it would be a tenth of a small run. */
const seen = new WeakSet<Client>();

/** Whether the ledger is there. */
export async function ledgerExists(client: Client): Promise<boolean> {
  if (seen.has(client)) return true;
  const found = await client.query<{ there: boolean }>(
    `select count(*) = 3 as there from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'mcp_cutover' and c.relname in ('run', 'journal', 'fenced_write') and c.relkind = 'r'`,
  );
  const there = found.rows[0]?.there === true;
  if (there) seen.add(client);
  return there;
}

function noLedgerRights(database: string, schemaThere: boolean): UserError {
  return new UserError(
    schemaThere
      ? "The database role may not create the ledger's tables in schema mcp_cutover."
      : "The schema mcp_cutover for ledger and journal is missing, and the database role may not create it.",
    schemaThere
      ? "Run as the schema's owner: alter schema mcp_cutover owner to <role>;"
      : `Run as the database's owner: create schema mcp_cutover authorization <role>; or grant create on database "${database}" to <role>;`,
  );
}

/** A ledger made before the column was has none, so it is not named: {@link markFinalized} adds it. */
const finalizedAt = `to_char((to_jsonb(run) ->> 'finalized_at')::timestamptz at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const runColumns = `
  generation, run_id::text as "runId", target, plan_hash as "planHash", config_type as "configType",
  system_identifier as "systemIdentifier", database_name as "databaseName", who, stack,
  program_commit as "commit", tool_version as "toolVersion", counts, journal_rows as "journalRows", fenced,
  fenced_writes::int8::text as "fencedWrites", converted,
  to_char(committed_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "committedAt",
  to_char(settled_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "settledAt",
  ${finalizedAt} as "finalizedAt", to_jsonb(run) -> 'tools' as tools`;

type RawRun = Omit<Run, "fencedWrites" | "settledAt" | "finalizedAt" | "commit" | "tools"> & {
  fencedWrites: string;
  settledAt: string | null;
  finalizedAt: string | null;
  commit: string | null;
  tools: ToolLists | null;
};

/** The newest run of a cutover, or the one with `runId`. */
export async function findRun(
  client: Client,
  cutover: string,
  runId?: string,
): Promise<Run | undefined> {
  if (!(await ledgerExists(client))) return undefined;
  const found = await client.query<RawRun>(
    `select ${runColumns} from mcp_cutover.run
      where cutover = $1 and ($2::uuid is null or run_id = $2::uuid) order by generation desc limit 1`,
    [cutover, runId ?? null],
  );
  const row = found.rows[0];
  return row === undefined ? undefined : toRun(row);
}

/** Every run of a cutover, the newest first. */
export async function findRuns(client: Client, cutover: string): Promise<Run[]> {
  if (!(await ledgerExists(client))) return [];
  const found = await client.query<RawRun>(
    `select ${runColumns} from mcp_cutover.run where cutover = $1 order by generation desc`,
    [cutover],
  );
  return found.rows.map(toRun);
}

function toRun({ settledAt, finalizedAt, commit, fencedWrites, tools, ...rest }: RawRun): Run {
  return {
    ...rest,
    fencedWrites: Number(fencedWrites),
    ...(settledAt === null ? {} : { settledAt }),
    ...(finalizedAt === null ? {} : { finalizedAt }),
    ...(commit === null ? {} : { commit }),
    ...(tools === null ? {} : { tools }),
  };
}

/** What callers get of a run. */
export function publicRun(run: Run): LedgerState {
  const { generation, target, planHash, runId, committedAt, settledAt, who, stack, commit } = run;
  const { toolVersion, counts, fenced, fencedWrites, finalizedAt, tools } = run;
  return {
    generation,
    target,
    planHash,
    runId,
    committedAt,
    ...(settledAt === undefined ? {} : { settledAt }),
    ...(finalizedAt === undefined ? {} : { finalizedAt }),
    who,
    stack,
    ...(commit === undefined ? {} : { commit }),
    toolVersion,
    counts,
    fenced,
    fencedWrites,
    ...(tools === undefined ? {} : { tools }),
  };
}

/** Another cutover whose newest run points rows of the same table into the cluster. */
export async function newestOtherCutover(
  client: Client,
  cutover: string,
  table: string,
): Promise<string | undefined> {
  if (!(await ledgerExists(client))) return undefined;
  const found = await client.query<{ cutover: string }>(
    `select cutover from (
       select distinct on (cutover) cutover, target from mcp_cutover.run
        where table_name = $2 and cutover <> $1 order by cutover, generation desc) newest
      where target = 'in-cluster' limit 1`,
    [cutover, table],
  );
  return found.rows[0]?.cutover;
}

/** What {@link recordRun} writes. */
export interface RunRecord {
  readonly spec: CutoverSpec;
  readonly generation: number;
  readonly runId: string;
  readonly target: Target;
  readonly planHash: string;
  readonly tableName: string;
  readonly configType: string;
  readonly identity: { readonly systemIdentifier: string; readonly databaseName: string };
  readonly meta: RunMeta;
  readonly counts: Record<string, number>;
  readonly journalRows: number;
  readonly fenced: boolean;
}

/** Writes the ledger row as the last thing before COMMIT. @returns the time it holds, ISO 8601 */
export async function recordRun(client: Client, run: RunRecord): Promise<string> {
  const { meta, identity } = run;
  const written = await client.query<{ at: string }>(
    `insert into mcp_cutover.run (cutover, generation, run_id, target, plan_hash, table_name, config_type,
       system_identifier, database_name, who, stack, program_commit, tool_version, counts, fenced, committed_at,
       journal_rows)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, clock_timestamp(), $16)
     returning to_char(committed_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`,
    [
      run.spec.name,
      run.generation,
      run.runId,
      run.target,
      run.planHash,
      run.tableName,
      run.configType,
      identity.systemIdentifier,
      identity.databaseName,
      meta.who,
      meta.stack,
      meta.commit ?? null,
      meta.toolVersion,
      JSON.stringify(run.counts),
      run.fenced,
      run.journalRows,
    ],
  );
  return written.rows[0]?.at ?? "";
}

/** Records that a run's way back was dropped. @returns the time it holds, ISO 8601 */
export async function markFinalized(
  client: Client,
  runId: string,
  journalRows: number,
): Promise<string> {
  await client.query(
    "alter table mcp_cutover.run add column if not exists finalized_at timestamptz",
  );
  const done = await client.query<{ at: string }>(
    `update mcp_cutover.run set finalized_at = clock_timestamp(), journal_rows = $2
      where run_id = $1 returning ${finalizedAt} as at`,
    [runId, journalRows],
  );
  return done.rows[0]?.at ?? "";
}

/** The run follows one whose way back was dropped, so it has none either. */
export async function inheritFinalized(client: Client, runId: string): Promise<void> {
  await client.query("update mcp_cutover.run set finalized_at = committed_at where run_id = $1", [
    runId,
  ]);
}

/**
 * Keeps what the servers listed before a run. A ledger made before there was a column for it gets one, where this
 * role owns the table; else the lists are not kept, and nothing depends on them.
 */
export async function recordTools(client: Client, runId: string, tools: ToolLists): Promise<void> {
  const found = await client.query<{ there: boolean; owner: boolean }>(
    `select exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'tools'
                       and not a.attisdropped) as there,
            pg_has_role(c.relowner, 'usage') as owner
       from pg_class c where c.oid = 'mcp_cutover.run'::regclass`,
  );
  const { there, owner } = found.rows[0] ?? { there: false, owner: false };
  if (!there && !owner) return;
  if (!there) await client.query("alter table mcp_cutover.run add column tools jsonb");
  await client.query("update mcp_cutover.run set tools = $2::jsonb where run_id = $1", [
    runId,
    JSON.stringify(tools),
  ]);
}
