import assert from "node:assert/strict";

import { drift, finalize, planRows, readLedger, runCutover, settle } from "@mcp-fleet/row-cutover";
import { newestVersion } from "@mcp-fleet/row-cutover/dist/store/migrations";

import { withClient } from "../../../lab/database/access";
import { meta, type Snapshot, type StudioDatabase, studioDatabase, studioSpec } from "./support";

/** The ledger's statements in the history of this repository, oldest first. */
const runTable = (columns: string): string => `create table mcp_cutover.run (
  cutover text not null, generation integer not null check (generation > 0), run_id uuid not null unique,
  target text not null check (target in ('in-cluster', 'embedded')), plan_hash text not null, table_name text not null,
  config_type text not null, system_identifier text not null, database_name text not null, who text not null,
  stack text not null, program_commit text, tool_version text not null, counts jsonb not null,
  journal_rows integer not null, fenced boolean not null, fenced_writes bigint not null default 0,
  converted integer not null default 0, committed_at timestamptz not null, settled_at timestamptz,
  ${columns} primary key (cutover, generation));`;
const journalColumns = `kind text not null check (kind in ('row', 'reference', 'soft-reference')), action text not null,
  key_found text[], key_before text[], key_after text[], row_id text, config_type text, before_config text,
  after_config text, before_columns jsonb, after_columns jsonb, before_row jsonb, detail jsonb`;
const firstJournal = `create table mcp_cutover.journal (run_id uuid not null,
  entry bigint generated always as identity, ${journalColumns}, primary key (run_id, entry));
  create index journal_key on mcp_cutover.journal (run_id, key_after);`;
const journal = `create table mcp_cutover.journal (run_id uuid not null,
  entry bigint generated always as identity primary key, ${journalColumns});
  create index journal_run on mcp_cutover.journal using brin (run_id);
  create index journal_key on mcp_cutover.journal using hash (key_after);
  create index journal_renamed on mcp_cutover.journal (run_id) where key_found <> key_after or key_before <> key_after;`;
const fencedWrite = (
  columns = "",
): string => `create table mcp_cutover.fenced_write (run_id uuid not null,
  row_key text[] not null, operation text not null, written_by text not null, written_at timestamptz not null${columns});
  create index fenced_write_run on mcp_cutover.fenced_write (run_id);`;
const entryKey = ", entry bigint generated always as identity primary key";
const view = `create view mcp_cutover.newest_row with (security_barrier) as
  select run_id, entry, action, key_before, key_after, after_config, after_columns from mcp_cutover.journal
   where kind = 'row' and action not in ('merge', 'late') and key_after is not null
     and run_id in (select distinct on (cutover) run_id from mcp_cutover.run order by cutover, generation desc);`;

const ledgers: Readonly<Record<string, string>> = {
  "the first one": runTable("") + firstJournal + fencedWrite(),
  "with finalize": runTable("finalized_at timestamptz,") + firstJournal + fencedWrite(),
  "with tools": runTable("finalized_at timestamptz, tools jsonb,") + journal + fencedWrite(),
  "with the view":
    runTable("finalized_at timestamptz, tools jsonb,") + journal + fencedWrite() + view,
  "with keys":
    runTable("finalized_at timestamptz, tools jsonb,") + journal + fencedWrite(entryKey) + view,
  "with protocols":
    runTable("finalized_at timestamptz, tools jsonb, protocols jsonb,") +
    journal +
    fencedWrite(entryKey) +
    view,
  "the last one without a version":
    runTable("finalized_at timestamptz, tools jsonb, protocols jsonb, images jsonb,") +
    journal +
    fencedWrite(entryKey) +
    view,
};

/** Every column of the schema with its type, and every primary key's table. */
async function schemaOf(database: StudioDatabase): Promise<unknown> {
  const columns = await database.query(
    `select c.relname::text as relation, a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'mcp_cutover'::regnamespace and c.relkind in ('r', 'v') order by 1, 2`,
  );
  const keys = await database.query(
    `select indrelid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indrelid
      where i.indisprimary and c.relnamespace = 'mcp_cutover'::regnamespace order by 1`,
  );
  const version = await database.query("select version from mcp_cutover.schema_version");
  return { columns, keys, version };
}

describe("a ledger of any earlier release is brought to the newest version", function () {
  this.timeout(60_000);
  const spec = studioSpec();
  const tables = [
    ["run", "generation"],
    ["journal", "entry"],
    ["fenced_write", "entry"],
  ] as const;
  let fresh: unknown;
  let database: StudioDatabase;
  let legacy: Snapshot;

  before(async () => {
    const made = await studioDatabase({ schema: "jsonb" });
    await runCutover(made.db, spec, "in-cluster", meta);
    fresh = await schemaOf(made);
    assert.deepEqual(await made.query("select version from mcp_cutover.schema_version"), [
      { version: newestVersion },
    ]);
    await made.drop();
  });
  beforeEach(async () => {
    database = await studioDatabase({ schema: "jsonb" });
    legacy = await database.snapshot();
  });
  afterEach(() => database.drop());

  for (const [name, ddl] of Object.entries(ledgers)) {
    it(name, async () => {
      await runCutover(database.db, spec, "in-cluster", meta);
      await settle(database.db, spec, 1);
      await reshape(ddl);
      const { generation, hash, noop } = await planRows(database.db, spec, "in-cluster");
      assert.deepEqual([generation, noop], [1, true]);
      assert.equal((await readLedger(database.db, spec))?.planHash, hash);
      assert.deepEqual((await drift(database.db, spec))?.rows, []);
      await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual(await database.snapshot(), legacy);
      assert.deepEqual(await schemaOf(database), fresh);
      await runCutover(database.db, spec, "in-cluster", { ...meta, tools: { github: ["search"] } });
      assert.equal((await settle(database.db, spec, 3)).removedFence, true);
      assert.deepEqual((await readLedger(database.db, spec))?.tools, { github: ["search"] });
      assert.ok((await finalize(database.db, spec, 3)).dropped > 0);
    });
  }

  it("and finalize alone does it too", async () => {
    await runCutover(database.db, spec, "in-cluster", meta);
    await settle(database.db, spec, 1);
    await reshape(ledgers["the first one"] ?? "");
    assert.equal((await finalize(database.db, spec, 1)).dropped, 5);
    assert.deepEqual(await schemaOf(database), fresh);
  });

  /** Moves the ledger's content into one that an earlier release created. */
  async function reshape(ddl: string): Promise<void> {
    const columns = (table: string): string =>
      `(select string_agg(quote_ident(a.attname), ', ' order by a.attname) from pg_attribute a
         join pg_attribute b on b.attname = a.attname and b.attrelid = 'saved.${table}'::regclass and b.attnum > 0
        where a.attrelid = 'mcp_cutover.${table}'::regclass and a.attnum > 0 and not a.attisdropped and a.attname <> 'entry')`;
    const copies = tables.map(
      ([table, order]) =>
        `execute (select format('insert into mcp_cutover.${table} (%s) select %s from saved.${table} order by ${order}',
           names, names) from (select ${columns(table)} as names) n);`,
    );
    const sql = `alter schema mcp_cutover rename to saved; create schema mcp_cutover; ${ddl}
       do $do$ begin ${copies.join("\n")} end $do$; drop schema saved cascade`;
    await withClient(database.db.connectionString, (client) => client.query(sql));
  }
});
