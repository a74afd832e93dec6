import assert from "node:assert/strict";

import { planRows, runCutover, settle } from "@mcp-fleet/row-cutover";

import { onEachPostgres } from "../../support/postgres";
import {
  applicationRole,
  type AttackedDatabase,
  attackedDatabase,
  caught,
  meta,
  refusal,
  studioSpec,
  targetOf,
  watch,
} from "./support";

/** Code that the table's owner can make run whenever a row is built from values, or read into values. */
const traps = `
  create function public.spy() returns void language plpgsql as $$ begin
    insert into public.caught values (current_user, '');
    begin
      insert into public.caught select current_user, before_config from mcp_cutover.journal;
    exception when insufficient_privilege or undefined_table or invalid_schema_name then null; end;
  end $$;
  create function public.checked(text) returns boolean language plpgsql as $$ begin perform public.spy(); return true; end $$;
  create domain public.note as text default 'n' check (public.checked(value));
  create type public.mood as enum ('good', 'bad');
  create function public.mood_json(public.mood) returns json language plpgsql as
    $$ begin perform public.spy(); return '"good"'::json; end $$;
  create cast (public.mood as json) with function public.mood_json(public.mood);
  create function public.mood_text(public.mood) returns text language plpgsql as
    $$ begin perform public.spy(); return case when $1 = 'bad' then 'bad' else 'good' end; end $$;
  create cast (public.mood as text) with function public.mood_text(public.mood);
  alter table public.mcp_servers add column note public.note default 'n', add column mood public.mood default 'good';`;

onEachPostgres("the write fence lends nobody its owner's rights (issue 16, item 2)", (server) => {
  let database: AttackedDatabase;
  const spec = studioSpec();
  beforeEach(async () => {
    database = await attackedDatabase(server());
  });
  afterEach(() => database.drop());

  const back = `update public.mcp_servers set config_json = '{"command": "old"}' where server_key = 'github'`;

  it("runs a domain's check and a cast of the table's owner as whoever writes", async () => {
    await watch(database);
    await database.as(database.applicationUrl, traps);
    // For a column that the fence does not use, nothing runs at all.
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.query("truncate public.caught");
    await database.as(database.applicationUrl, back);
    assert.deepEqual(await caught(database), []);
    await settle(database.db, spec, 1);
    await runCutover(database.db, spec, "embedded", meta);
    await settle(database.db, spec, 2);
    const setting = { ...spec, rows: spec.rows.map((row) => ({ ...row, set: { mood: "good" } })) };
    await runCutover(database.db, setting, "in-cluster", meta);
    await database.query("truncate public.caught");
    await database.as(
      database.applicationUrl,
      "update public.mcp_servers set mood = 'bad' where server_key = 'github'",
    );
    assert.deepEqual(await caught(database), [applicationRole]);
    assert.deepEqual(
      await database.query("select from public.caught where what <> ''"),
      [],
      "nobody read the journal",
    );
    // It held the row anyway, and counted.
    const [row] = await database.query<{ config: unknown }>(
      "select config_json as config from mcp_servers where server_key = 'github'",
    );
    assert.deepEqual(row?.config, targetOf("github"));
    assert.equal((await settle(database.db, setting, 3)).fencedWrites, 1);
  });

  it("gives away no right on the ledger for it", async () => {
    await runCutover(database.db, spec, "in-cluster", meta);
    for (const url of [database.applicationUrl, database.strangerUrl]) {
      for (const sql of [
        "select from mcp_cutover.journal",
        "select from mcp_cutover.fenced_write",
        `do $$ declare f record; begin
           for f in select proname from pg_proc where pronamespace = 'mcp_cutover'::regnamespace loop
             execute format('create trigger t before insert on public.mine for each row execute function mcp_cutover.%I()', f.proname);
           end loop; end $$`,
      ]) {
        const made =
          "create table if not exists public.mine (run_id uuid, key_after text[], kind text)";
        await database.as(database.url, `${made}; grant all on public.mine to public`);
        await assert.rejects(database.as(url, sql), /permission denied|must be owner/);
      }
    }
  });

  it("holds rows of a partitioned table", async () => {
    const { updatedAt: _, ...table } = spec.table;
    const partedSpec = {
      ...spec,
      table: { ...table, table: "parted" },
      rows: spec.rows.filter(({ key }) => key === "github" || key === "chroma"),
    };
    await database.as(
      database.applicationUrl,
      `create table parted (id integer, server_key text not null, server_type text, config_json jsonb, note text,
         primary key (id, server_key)) partition by list (server_key);
       create table parted_github partition of parted for values in ('github');
       create table parted_rest (note text, config_json jsonb, server_type text, server_key text not null, id integer not null);
       alter table parted attach partition parted_rest default;
       insert into parted values (1, 'github', 'integrated', '{"command": "x"}'), (2, 'chroma', 'integrated', '{"command": "y"}');
       grant all on parted to rc_cutover`,
    );
    // A trigger of the whole table exists on each partition too.
    const plan = await planRows(database.db, partedSpec, "in-cluster");
    assert.match(plan.warnings.join("\n"), /may not create triggers on .*parted/);
    await database.as(
      database.applicationUrl,
      "grant trigger on parted_github, parted_rest to rc_cutover",
    );
    await runCutover(database.db, partedSpec, "in-cluster", meta);
    await database.as(
      database.applicationUrl,
      `update public.parted set config_json = '{"command": "old"}', note = 'mine'`,
    );
    const rows = await database.query<{ url: string; note: string }>(
      "select config_json ->> 'url' as url, note from parted order by id",
    );
    assert.deepEqual(
      rows,
      ["github", "chroma"].map((key) => ({ url: targetOf(key).url, note: "mine" })),
    );
    assert.equal((await settle(database.db, partedSpec, 1)).fencedWrites, 2);
    await runCutover(database.db, partedSpec, "embedded", meta);
  });

  it("holds rows of a table with generated columns, also while a column's type changes", async () => {
    await database.as(
      database.applicationUrl,
      "alter table public.mcp_servers add column upper_key text generated always as (upper(server_key)) stored",
    );
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.as(database.applicationUrl, back);
    await database.as(
      database.applicationUrl,
      "alter table public.mcp_servers alter column config_json type text using config_json::text",
    );
    await database.as(database.applicationUrl, back);
    assert.equal((await settle(database.db, spec, 1)).fencedWrites, 2);
  });

  it("refuses a superuser, whose rights everything in the database would run with", async () => {
    const root = { connectionString: database.url };
    for (const call of [
      () => planRows(root, spec, "in-cluster"),
      () => runCutover(root, spec, "in-cluster", meta),
    ]) {
      const said = await refusal(call());
      assert.match(said, /superuser/);
      assert.match(said, /allowSuperuser/);
    }
    assert.deepEqual(
      await database.query("select from pg_namespace where nspname = 'mcp_cutover'"),
      [],
    );
    const known = { ...spec, allowSuperuser: true };
    assert.equal((await runCutover(root, known, "in-cluster", meta)).counts.rewrite, 5);
  });

  it("refuses a role that becomes a superuser by itself", async () => {
    for (const [grant, revoke, power] of [
      [
        "create role rc_admin superuser; grant rc_admin to rc_cutover",
        "revoke rc_admin from rc_cutover; drop role rc_admin",
        /a member of rc_admin, a superuser/,
      ],
      [
        "create role rc_between; create role rc_admin superuser; grant rc_admin to rc_between; grant rc_between to rc_cutover",
        "drop role rc_between; drop role rc_admin",
        /a member of rc_admin, a superuser/,
      ],
      [
        "alter role rc_cutover createrole",
        "alter role rc_cutover nocreaterole",
        /is one that may make roles/,
      ],
    ] as const) {
      await database.query(grant);
      try {
        const said = await refusal(runCutover(database.db, spec, "in-cluster", meta));
        assert.match(said, power);
        assert.match(said, /allowSuperuser/);
        assert.match(await refusal(planRows(database.db, spec, "embedded")), power);
      } finally {
        await database.query(revoke);
      }
    }
    assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).counts.rewrite, 5);
  });
});
