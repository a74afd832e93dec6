import assert from "node:assert/strict";

import { planRows, runCutover, settle } from "@mcp-fleet/row-cutover";

import { onEachPostgres } from "../../support/postgres";
import {
  type AttackedDatabase,
  attackedDatabase,
  cutoverRole,
  meta,
  refusal,
  studioSpec,
} from "./support";

onEachPostgres("references of a merged row come back exactly (issue 16, item 17)", (server) => {
  let database: AttackedDatabase;
  const spec = studioSpec();
  beforeEach(async () => {
    database = await attackedDatabase(server(), { schema: "jsonb", atlassianKey: "both" });
  });
  afterEach(() => database.drop());

  /** An application's table with the cutover's rights on it. */
  async function table(sql: string, ...names: string[]): Promise<void> {
    await database.as(
      database.applicationUrl,
      `${sql}; ${names.map((name) => `grant select, insert, update, delete on ${name} to ${cutoverRole};`).join(" ")}`,
    );
  }

  async function rowsOf(name: string): Promise<string[]> {
    const rows = await database.query<{ row: string }>(
      `select t::text as row from ${name} t order by 1`,
    );
    return rows.map(({ row }) => row);
  }

  async function assertRefused(message: RegExp): Promise<void> {
    const before = await database.snapshot();
    for (const call of [planRows, runCutover])
      assert.match(await refusal(call(database.db, spec, "in-cluster", meta)), message);
    assert.deepEqual(await database.snapshot(), before);
  }

  /** Moves the rows there and back, and checks that `name` is unchanged. */
  async function assertExact(name: string): Promise<void> {
    const before = { all: await database.snapshot(), rows: await rowsOf(name) };
    await runCutover(database.db, spec, "in-cluster", meta);
    await settle(database.db, spec, 1);
    await runCutover(database.db, spec, "embedded", meta);
    assert.deepEqual(await rowsOf(name), before.rows);
    assert.deepEqual(await database.snapshot(), before.all);
  }

  const jira = "(select id from mcp_servers where server_key = 'jira')";
  const atlassian = "(select id from mcp_servers where server_key = 'atlassian')";

  it("a table without a unique key is refused: two rows may be the same once moved", async () => {
    await table(
      `create table notes (note text, mcp_server_id integer references mcp_servers(id));
       insert into notes values ('same', ${jira}), ('same', ${atlassian})`,
      "notes",
    );
    await assertRefused(/The table public\.notes has no primary key.*\n.*add primary key/);
    await database.as(
      database.applicationUrl,
      "alter table notes add column id serial primary key",
    );
    await assertExact("notes");
  });

  it("a table whose key is a unique index without NULL will do", async () => {
    await table(
      `create table notes (note text not null unique, mcp_server_id integer references mcp_servers(id));
       insert into notes values ('one', ${jira}), ('two', ${atlassian})`,
      "notes",
    );
    await assertExact("notes");
  });

  it("a deferrable primary key is no obstacle on the way back", async () => {
    await table(
      `create table links (owner integer, mcp_server_id integer references mcp_servers(id),
         primary key (owner, mcp_server_id) deferrable initially deferred);
       insert into links values (1, ${jira}), (1, ${atlassian}), (2, ${jira}), (3, ${atlassian})`,
      "links",
    );
    await assertExact("links");
  });

  it("row-level security on a table that refers to ours is refused: a cascade would take what nobody sees", async () => {
    await table(
      `create table secrets (id serial primary key, mcp_server_id integer references mcp_servers(id) on delete cascade);
       insert into secrets (mcp_server_id) values (${jira}), (${atlassian});
       alter table secrets enable row level security; create policy none on secrets using (false)`,
      "secrets",
    );
    await assertRefused(/Row-level security on public\.secrets hides rows/);
    assert.equal((await rowsOf("secrets")).length, 2);
  });

  it("what refers to a reference that would go is refused, not taken along", async () => {
    await table(
      `create table links (id serial primary key, owner integer, mcp_server_id integer references mcp_servers(id), unique (owner, mcp_server_id));
       create table behind (id serial primary key, link integer references links(id) on delete cascade);
       insert into links (owner, mcp_server_id) values (1, ${jira}), (1, ${atlassian}), (2, ${jira});
       insert into behind (link) select id from links`,
      "links",
    );
    await assertRefused(
      /Rows of public\.links refer to both jira and atlassian.*public\.behind refer to that table in turn/,
    );
    assert.equal((await rowsOf("behind")).length, 3);
    // Those that would not be deleted are moved and restored.
    await database.query("delete from behind; delete from links where owner = 1");
    await database.query("insert into behind (link) select id from links");
    await assertExact("links");
    assert.equal((await rowsOf("behind")).length, 1);
  });

  it("a table that refers to itself is refused by that name", async () => {
    await table(
      `alter table mcp_servers add column parent integer references mcp_servers(id);
       update mcp_servers set parent = ${jira} where server_key = 'github'`,
    );
    await assertRefused(/The table public\.mcp_servers refers to itself \(parent\)/);
  });

  it("a trigger that swallows what is moved is seen", async () => {
    await table(
      `create table notes (id serial primary key, mcp_server_id integer references mcp_servers(id) on delete cascade);
       insert into notes (mcp_server_id) values (${jira});
       create function public.keep() returns trigger language plpgsql as $$ begin return null; end $$;
       create trigger keep before update on notes for each row execute function public.keep()`,
      "notes",
    );
    const before = await database.snapshot();
    assert.match(
      await refusal(runCutover(database.db, spec, "in-cluster", meta)),
      /references in public\.notes were not stored as written/,
    );
    assert.deepEqual(await database.snapshot(), before);
    assert.equal((await rowsOf("notes")).length, 1);
  });

  it("lists of ids in a table without a key are refused too", async () => {
    await database.as(
      database.applicationUrl,
      "alter table integration_settings drop constraint integration_settings_pkey, drop constraint integration_settings_provider_key_key",
    );
    await assertRefused(/The table public\.integration_settings has no primary key/);
  });

  it("rights and hidden rows are looked at again before the way back", async () => {
    await runCutover(database.db, spec, "in-cluster", meta);
    await settle(database.db, spec, 1);
    await database.as(
      database.applicationUrl,
      "alter table chat_thread_mcp_servers enable row level security",
    );
    const before = await database.snapshot();
    for (const call of [planRows, runCutover])
      assert.match(
        await refusal(call(database.db, spec, "embedded", meta)),
        /Row-level security on public\.chat_thread_mcp_servers/,
      );
    assert.deepEqual(await database.snapshot(), before);
  });

  it("a reference that somebody makes meanwhile is moved and comes back, or is not made", async () => {
    const owners = Array.from({ length: 30 }, (_, i) => 1000 + i);
    let done = false;
    const writer = (async (): Promise<number> => {
      let made = 0;
      for (const owner of owners) {
        if (done) break;
        await database
          .as(
            database.applicationUrl,
            `insert into agent_task_mcp_servers values (${owner}, ${jira})`,
          )
          .then(() => (made += 1))
          .catch(() => undefined);
      }
      return made;
    })();
    await runCutover(database.db, { ...spec, fence: false }, "in-cluster", meta);
    done = true;
    const made = await writer;
    const [there] = await database.query<{ n: number }>(
      "select count(*)::int as n from agent_task_mcp_servers where agent_task_id >= 1000",
    );
    assert.equal(there?.n, made);
    await runCutover(database.db, spec, "embedded", meta);
    const [back] = await database.query<{ n: number }>(
      `select count(*)::int as n from agent_task_mcp_servers where agent_task_id >= 1000 and mcp_server_id = ${jira}`,
    );
    assert.equal(back?.n, made);
  });
});
