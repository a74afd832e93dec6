import assert from "node:assert/strict";

import { drift, finalize, runCutover, settle } from "@mcp-fleet/row-cutover";

import { onEachPostgres } from "../../support/postgres";
import {
  type AttackedDatabase,
  attackedDatabase,
  cutoverRole,
  meta,
  rowSpec,
  studioSpec,
  targetOf,
} from "./support";

onEachPostgres("the write fence holds its columns and no others (issue 16, item 2)", (server) => {
  let database: AttackedDatabase;
  beforeEach(async () => {
    database = await attackedDatabase(server());
  });
  afterEach(() => database.drop());

  const spec = studioSpec();
  const github = async (columns: string): Promise<Record<string, unknown>> => {
    const [row] = await database.query(
      `select ${columns} from mcp_servers where server_key = 'github'`,
    );
    return row ?? {};
  };

  it("a write that is held leaves every other column as it was written", async () => {
    await database.query("create extension if not exists hstore").catch(() => undefined);
    const [{ there } = { there: false }] = await database.query<{ there: boolean }>(
      "select exists (select from pg_extension where extname = 'hstore') as there",
    );
    const tags = there ? "hstore" : "text";
    await database.as(
      database.applicationUrl,
      `create type public.pair as (a integer, b json);
       alter table mcp_servers add column gone integer;
       alter table mcp_servers add column meta jsonb not null default '{}', add column raw json, add column nums integer[],
         add column tags ${tags}, add column pairs public.pair[], add column code char(8), add column span interval,
         add column wide numeric, add column bits bit varying;
       alter table mcp_servers drop column gone`,
    );
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.as(
      database.applicationUrl,
      String.raw`set intervalstyle = 'sql_standard';
       update mcp_servers set config_json = '{"command": "old"}', description = null, meta = 'null',
         raw = '{"b": 1, "a": 2,  "a": "\u0000"}', nums = '[0:1]={7,8}', tags = 'k=>v', pairs = '{"(1,\"{\"\"x\"\":  1}\")"}',
         code = 'ab', span = '1 year 2 days', wide = 'NaN', bits = b'101'
       where server_key = 'github'`,
    );
    assert.deepEqual(
      await github(
        `config_json ->> 'url' as url, description, meta::text, raw::text, nums::text, tags::text, pairs::text, code, span::text,
         wide::text, bits::text`,
      ),
      {
        url: targetOf("github").url,
        description: null,
        meta: "null",
        raw: String.raw`{"b": 1, "a": 2,  "a": "\u0000"}`,
        nums: "[0:1]={7,8}",
        tags: there ? '"k"=>"v"' : "k=>v",
        pairs: String.raw`{"(1,\"{\"\"x\"\":  1}\")"}`,
        code: "ab      ",
        span: "1 year 2 days",
        wide: "NaN",
        bits: "101",
      },
    );
    assert.equal((await settle(database.db, spec, 1)).fencedWrites, 1);
  });

  it("a write that is none of its business goes through, whatever the row holds", async () => {
    await database.as(
      database.applicationUrl,
      String.raw`alter table mcp_servers add column raw json default '{"x": "\u0000"}'`,
    );
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.as(database.applicationUrl, "update mcp_servers set description = 'mine'");
    await database.as(
      database.applicationUrl,
      `insert into mcp_servers (name, server_key, config_json, server_type, created_at, updated_at)
       values ('n', 'new', '{}', 'custom', now(), now())`,
    );
    assert.deepEqual(await github("description"), { description: "mine" });
    assert.equal((await settle(database.db, spec, 1)).fencedWrites, 0);
  });

  for (const [type, key] of [
    ["char(20)", "'github'"],
    ["timestamptz", "'2026-03-04 05:06:07.89+00'"],
    ["interval", "'-1 mon +2 days'"],
    ["inet", "'10.0.0.1'"],
    ["bytea", String.raw`'\x0102'`],
    ["boolean", "'true'"],
  ] as const) {
    it(`holds a row whose key is of type ${type}, however the writer's session reads it`, async () => {
      await database.as(
        database.applicationUrl,
        `create table servers (k ${type} primary key, doc json);
         insert into servers values (${key}, '{"command": "x"}'); grant all on servers to ${cutoverRole}`,
      );
      await database.query(
        `alter database ${database.name} set timezone = 'UTC'; alter database ${database.name} set bytea_output = 'hex'`,
      );
      const [{ text } = { text: "" }] = await database.query<{ text: string }>(
        "select k::text as text from servers",
      );
      const own = {
        ...spec,
        table: { schema: "public", table: "servers", key: ["k"], config: "doc" },
        rows: [{ ...rowSpec("github", { secretKeys: [] }), key: text }],
        softReferences: [],
      };
      await runCutover(database.db, own, "in-cluster", meta);
      const before = await database.query("select doc::text from servers");
      await database.as(
        database.applicationUrl,
        `set timezone = 'Asia/Tokyo'; set intervalstyle = 'iso_8601'; set bytea_output = 'escape'; set datestyle = 'German';
         update servers set doc = '{"command":  "old"}'`,
      );
      // Byte for byte: a held document is not written again.
      assert.deepEqual(await database.query("select doc::text from servers"), before);
      assert.equal((await settle(database.db, own, 1)).fencedWrites, 1);
    });
  }

  it("is known by its function, not by what a trigger of others is called", async () => {
    await database.as(
      database.applicationUrl,
      `create function public.t() returns trigger language plpgsql as $$ begin return new; end $$;
       create trigger zz_mcp_cutover_x before update on public.mcp_servers for each row execute function public.t()`,
    );
    await runCutover(database.db, spec, "in-cluster", meta);
    const [fence] = await database.query<{ name: string }>(
      `select t.tgname as name from pg_trigger t join pg_proc p on p.oid = t.tgfoid
        where p.pronamespace = 'mcp_cutover'::regnamespace order by 1 limit 1`,
    );
    await settle(database.db, spec, 1);
    await database.as(
      database.applicationUrl,
      `create trigger ${fence?.name ?? ""} before update on public.mcp_servers for each row execute function public.t()`,
    );
    assert.equal((await drift(database.db, spec))?.fenceStands, false);
    assert.equal((await finalize(database.db, spec, 1)).generation, 1);
  });
});
