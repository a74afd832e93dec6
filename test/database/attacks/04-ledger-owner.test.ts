import assert from "node:assert/strict";

import { drift, planRows, runCutover, settle } from "@mcp-fleet/row-cutover";

import { secretMark } from "../../../lab/database/schema";
import { onEachPostgres } from "../../support/postgres";
import {
  type AttackedDatabase,
  attackedDatabase,
  caught,
  cutoverRole,
  meta,
  refusal,
  reportingRole,
  strangerRole,
  studioSpec,
  watch,
} from "./support";

const ledger = `
  create table mcp_cutover.run (cutover text, generation integer, run_id uuid, target text, plan_hash text, table_name text,
    config_type text, system_identifier text, database_name text, who text, stack text, program_commit text, tool_version text,
    counts jsonb, journal_rows integer, fenced boolean, fenced_writes bigint default 0, converted integer default 0,
    committed_at timestamptz, settled_at timestamptz, finalized_at timestamptz, tools jsonb);
  create table mcp_cutover.journal (run_id uuid, entry bigint generated always as identity primary key, kind text, action text,
    key_found text[], key_before text[], key_after text[], row_id text, config_type text, before_config text, after_config text,
    before_columns jsonb, after_columns jsonb, before_row jsonb, detail jsonb);
  create table mcp_cutover.fenced_write (run_id uuid, row_key text[], operation text, written_by text, written_at timestamptz);
  create view mcp_cutover.newest_row as select run_id, entry, action, key_before, key_after, after_config, after_columns from mcp_cutover.journal;`;

onEachPostgres("the ledger belongs to the cutover's role alone (issue 16, item 4)", (server) => {
  let database: AttackedDatabase;
  const spec = studioSpec();
  beforeEach(async () => {
    database = await attackedDatabase(server());
  });
  afterEach(() => database.drop());

  /** Plan and run refuse it, and the foreign role reads nothing of it. */
  async function assertRefused(message: RegExp): Promise<string> {
    const before = await database.snapshot();
    const said = await refusal(planRows(database.db, spec, "in-cluster"));
    assert.match(said, message);
    assert.equal(await refusal(runCutover(database.db, spec, "in-cluster", meta)), said);
    assert.deepEqual(await database.snapshot(), before);
    return said;
  }

  it("a schema that a stranger made first is refused, with whatever rights it gives", async () => {
    await database.as(
      database.strangerUrl,
      `create schema mcp_cutover; grant all on schema mcp_cutover to public; ${ledger}
       grant all on all tables in schema mcp_cutover to public`,
    );
    const said = await assertRefused(new RegExp(`schema mcp_cutover of ${strangerRole}`));
    assert.match(said, /alter schema mcp_cutover owner to/);
  });

  it("a schema of ours with a relation of somebody else's is refused too", async () => {
    await database.query(`create schema mcp_cutover authorization ${cutoverRole}`);
    await database.query(ledger);
    await database.query(`alter table mcp_cutover.run owner to ${cutoverRole}`);
    await assertRefused(/table mcp_cutover\.journal of postgres/);
  });

  it("what its fix says is enough where a role of ours had made it", async () => {
    await database.as(database.applicationUrl, `create schema mcp_cutover; ${ledger}`);
    await database.query(
      "alter table mcp_cutover.run add primary key (cutover, generation), add unique (run_id)",
    );
    const said = await assertRefused(/The ledger is not owned by this role/);
    const fix = said.slice(said.indexOf("as an administrator: ") + "as an administrator: ".length);
    await database.query(fix);
    await runCutover(database.db, spec, "in-cluster", meta);
    await settle(database.db, spec, 1);
    await runCutover(database.db, spec, "embedded", meta);
    assert.deepEqual(
      await database.query("select from pg_class where relname = 'fenced_write_pkey'"),
      [{}],
    );
  });

  it("a ledger that would run code of others is refused even for reading", async () => {
    await watch(database);
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.as(
      database.applicationUrl,
      `create function public.spy() returns trigger language plpgsql as
         $$ begin insert into public.caught values (current_user, ''); return new; end $$`,
    );
    await database.query(
      "create trigger planted before insert on mcp_cutover.journal for each row execute function public.spy()",
    );
    await assert.rejects(drift(database.db, spec), /trigger planted on journal/);
    await assertRefused(/trigger planted on journal/);
    assert.deepEqual(await caught(database), []);
  });

  it("default privileges open nothing: everything is taken from everybody, and looked at in each run", async () => {
    await database.query(
      `alter default privileges for role ${cutoverRole} grant all on tables to ${reportingRole};
       alter default privileges for role ${cutoverRole} grant all on schemas to ${reportingRole};
       alter default privileges for role ${cutoverRole} grant all on sequences to ${reportingRole};
       alter default privileges for role ${cutoverRole} grant all on functions to ${reportingRole}`,
    );
    await runCutover(database.db, spec, "in-cluster", meta);
    for (const relation of ["journal", "run", "fenced_write", "newest_row"]) {
      await assert.rejects(
        database.as(database.reportingUrl, `select * from mcp_cutover.${relation}`),
        /permission denied/,
      );
    }
    const [open] = await database.query<{ count: number }>(
      `select count(*)::int as count from (
         select aclexplode(relacl) from pg_class where relnamespace = 'mcp_cutover'::regnamespace
         union all select aclexplode(proacl) from pg_proc where pronamespace = 'mcp_cutover'::regnamespace
         union all select aclexplode(nspacl) from pg_namespace where nspname = 'mcp_cutover') a
        where (aclexplode).grantee <> '${cutoverRole}'::regrole`,
    );
    assert.equal(open?.count, 0);
    // Granted later.
    await database.query(
      `grant usage on schema mcp_cutover to ${reportingRole}; grant select on mcp_cutover.journal to ${reportingRole}`,
    );
    const seen = await database.as(
      database.reportingUrl,
      "select count(*)::int as n from mcp_cutover.journal",
    );
    assert.deepEqual(seen, [{ n: 5 }]);
    const said = await refusal(settle(database.db, spec, 1));
    assert.match(said, new RegExp(`${reportingRole} has SELECT on table mcp_cutover.journal`));
    assert.ok(!said.includes(secretMark));
    const fix = /revoke all [^;]*/.exec(said)?.[0] ?? "";
    await database.as(database.db.connectionString, fix);
    await settle(database.db, spec, 1);
  });

  it("a ledger and a fence of an earlier release are read, settled and given what they lack", async () => {
    const before = await database.snapshot();
    await runCutover(database.db, spec, "in-cluster", meta);
    const [fence] = await database.query<{ name: string }>(
      "select min(proname::text) as name from pg_proc where pronamespace = 'mcp_cutover'::regnamespace",
    );
    const name = fence?.name ?? "";
    // As release 0.1.0 created them: one function that runs as its owner, no key, no view.
    await database.as(
      database.db.connectionString,
      `drop function mcp_cutover.${name}(), mcp_cutover.${name}_b(), mcp_cutover.${name}_c() cascade;
       drop table mcp_cutover.schema_version; drop view mcp_cutover.newest_row;
       alter table mcp_cutover.fenced_write drop column entry;
       create function mcp_cutover.${name}() returns trigger language plpgsql security definer
         set search_path = pg_catalog, pg_temp as $$ begin
           if coalesce(current_setting('mcp_cutover.writer', true), '') <> '' then return new; end if;
           if tg_op = 'UPDATE' and to_jsonb(old) -> 'config_json' is distinct from to_jsonb(new) -> 'config_json' then
             insert into mcp_cutover.fenced_write
               select run_id, array[new.server_key::text], 'update', session_user, clock_timestamp() from mcp_cutover.run;
             return jsonb_populate_record(old, to_jsonb(new) - 'config_json'::text);
           end if; return new; end $$;
       revoke all on function mcp_cutover.${name}() from public;
       create trigger ${name} before insert or update on public.mcp_servers for each row
         when (coalesce(current_setting('mcp_cutover.writer', true), '') = '') execute function mcp_cutover.${name}()`,
    );
    const back = `update mcp_servers set config_json = '{"command": "x"}' where server_key = 'github'`;
    await database.as(database.applicationUrl, back);
    // Another generation while the old fence is active.
    const described = {
      ...spec,
      rows: spec.rows.map((row) => ({ ...row, set: { description: "x" } })),
    };
    assert.equal((await runCutover(database.db, described, "in-cluster", meta)).generation, 2);
    await database.as(database.applicationUrl, back);
    assert.equal((await settle(database.db, described, 2)).fencedWrites, 1);
    assert.deepEqual(
      await database.query("select from pg_proc where pronamespace = 'mcp_cutover'::regnamespace"),
      [],
    );
    const made = await database.query<{ name: string }>(
      `select relname::text as name from pg_class where relnamespace = 'mcp_cutover'::regnamespace
        and relname in ('fenced_write_pkey', 'newest_row') order by 1`,
    );
    assert.deepEqual(
      made.map((one) => one.name),
      ["fenced_write_pkey", "newest_row"],
    );
    await runCutover(database.db, described, "embedded", meta);
    assert.deepEqual(await database.snapshot(), before);
  });

  it("a login that only compares keeps its rights", async () => {
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.query(
      `grant usage on schema mcp_cutover to ${reportingRole};
       grant select on mcp_cutover.run, mcp_cutover.fenced_write, mcp_cutover.newest_row to ${reportingRole};
       grant select (server_key, server_type, config_json) on mcp_servers to ${reportingRole}`,
    );
    const report = await drift({ connectionString: database.reportingUrl }, spec);
    assert.deepEqual(report?.rows, []);
    assert.equal((await settle(database.db, spec, 1)).removedFence, true);
  });

  it("and is told when the ledger was made by who may not write the rows", async () => {
    await database.as(
      database.strangerUrl,
      `create schema mcp_cutover; ${ledger} grant usage on schema mcp_cutover to public;
       grant select on all tables in schema mcp_cutover to public`,
    );
    await database.query(
      `grant select (server_key, server_type, config_json) on mcp_servers to ${reportingRole}`,
    );
    const said = await refusal(drift({ connectionString: database.reportingUrl }, spec));
    assert.match(said, new RegExp(`belongs to the role ${strangerRole}`));
  });
});
