/** One change of the schema `mcp_cutover`. */
export interface Migration {
  readonly version: number;
  /** A statement may find that its result already exists. */
  readonly sql: string;
  /** In SQL: whether a ledger without versions already has this change. */
  readonly there: string;
  /**
   * Whether it is possible while a write fence is on the table. Writers that a fence blocks have `fenced_write`
   * open: they would wait, or be ended as the victim of a deadlock.
   */
  readonly besideFence: boolean;
}

/** What runs left in the rows that they wrote or kept, without what was there before. */
export const leftRows = `
  select run_id, entry, action, key_before, key_after, after_config, after_columns
    from mcp_cutover.journal
   where kind = 'row' and action not in ('merge', 'late') and key_after is not null`;

const tables = `
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
  written_at timestamptz not null
);
create index if not exists fenced_write_run on mcp_cutover.fenced_write (run_id);
revoke all on mcp_cutover.run, mcp_cutover.journal, mcp_cutover.fenced_write from public;
revoke all on schema mcp_cutover from public;
`;

/**
 * `leftRows` of the newest run of each cutover: what a comparison needs, and no more than the rows themselves
 * contain. A view reads with its owner's rights, so a login that may read it needs none on the journal. The
 * security barrier keeps that login's own functions away from the journal's other entries.
 */
const newestRow = `
create or replace view mcp_cutover.newest_row with (security_barrier) as ${leftRows}
     and run_id in (select distinct on (cutover) run_id from mcp_cutover.run order by cutover, generation desc);
revoke all on mcp_cutover.newest_row from public;
`;

/** @param names of columns of `mcp_cutover.run` */
function hasColumns(...names: readonly string[]): string {
  return `(select count(*) = ${names.length} from pg_attribute where attrelid = to_regclass('mcp_cutover.run')
    and not attisdropped and attname in (${names.map((name) => `'${name}'`).join(", ")}))`;
}

/**
 * In order. A released migration is never changed: a later change is a new one at the end. A ledger's version is
 * the number of its last migration.
 */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    sql: tables,
    there: "to_regclass('mcp_cutover.run') is not null",
    besideFence: true,
  },
  {
    version: 2,
    sql: "alter table mcp_cutover.run add column if not exists finalized_at timestamptz;",
    there: hasColumns("finalized_at"),
    besideFence: true,
  },
  {
    version: 3,
    sql: newestRow,
    there: "to_regclass('mcp_cutover.newest_row') is not null",
    besideFence: true,
  },
  {
    version: 4,
    sql: `alter table mcp_cutover.run add column if not exists tools jsonb,
            add column if not exists protocols jsonb, add column if not exists images jsonb;`,
    there: hasColumns("tools", "protocols", "images"),
    besideFence: true,
  },
  {
    // Every table has a primary key: where a publication sends it, rows cannot be deleted without one.
    version: 5,
    sql: `alter table mcp_cutover.fenced_write
            add column if not exists entry bigint generated always as identity primary key;`,
    there: `exists (select from pg_index where indrelid = to_regclass('mcp_cutover.fenced_write') and indisprimary)`,
    besideFence: false,
  },
  {
    version: 6,
    sql: "alter table mcp_cutover.run add column if not exists tools_lock text;",
    there: hasColumns("tools_lock"),
    besideFence: true,
  },
];

/** The version of a complete ledger. */
export const newestVersion = migrations.length;
