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

onEachPostgres("a refusal blames what it is (issue 16, item 23)", (server) => {
  let database: AttackedDatabase;
  const spec = studioSpec();
  beforeEach(async () => {
    database = await attackedDatabase(server());
  });
  afterEach(() => database.drop());

  const both = async (message: RegExp, of = spec): Promise<void> => {
    const before = await database.snapshot();
    for (const call of [planRows, runCutover]) {
      const said = await refusal(call(database.db, of, "in-cluster", meta));
      assert.match(said, message);
      assert.doesNotMatch(said, /defect of mcp-fleet|server's log has the details/);
    }
    assert.deepEqual(await database.snapshot(), before);
  };

  it("a view", async () => {
    await database.as(
      database.applicationUrl,
      `create view servers as select * from mcp_servers; grant all on servers to ${cutoverRole}`,
    );
    await both(/public\.servers is a view, .*\n.*\[cutover\.table\.table\]/, {
      ...spec,
      table: { ...spec.table, table: "servers" },
    });
  });

  for (const [title, rule] of [
    ["INSTEAD", "create rule quiet as on update to mcp_servers do instead nothing"],
    ["ALSO", "create rule quiet as on update to mcp_servers do also select 1"],
  ] as const) {
    it(`a rule that acts ${title}`, async () => {
      await database.as(database.applicationUrl, rule);
      await both(/has rules that change what a run writes: quiet\.\n.*disable rule quiet;/);
      await database.as(database.applicationUrl, "alter table mcp_servers disable rule quiet");
      assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).counts.rewrite, 5);
    });
  }

  it("a trigger that keeps a row from being written, there and back", async () => {
    const make = `create or replace function public.keep() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger keep before update on mcp_servers for each row execute function public.keep()`;
    await database.as(database.applicationUrl, make);
    const message =
      /0 rows of public\.mcp_servers were (written|restored) instead of 5: a trigger of the table prevented.*\n.*triggers keep of .*disable trigger/;
    assert.match(await refusal(runCutover(database.db, spec, "in-cluster", meta)), message);
    await database.as(database.applicationUrl, "drop trigger keep on mcp_servers");
    await runCutover(database.db, spec, "in-cluster", meta);
    await settle(database.db, spec, 1);
    await database.as(database.applicationUrl, make);
    assert.match(await refusal(runCutover(database.db, spec, "embedded", meta)), message);
  });

  it("a foreign key of the table to itself, by the key that is renamed", async () => {
    await database.as(
      database.applicationUrl,
      `update mcp_servers set server_key = 'jira' where server_key = 'atlassian';
       alter table mcp_servers add column parent varchar(64) references mcp_servers(server_key) on update cascade;
       update mcp_servers set parent = 'jira' where server_key = 'github'`,
    );
    await both(/public\.mcp_servers refers to itself by server_key/);
  });

  it("a value of the configuration that its column does not take", async () => {
    await database.as(database.applicationUrl, "alter table mcp_servers add column rank integer");
    const rows = spec.rows.map((row) => ({ ...row, set: { rank: "first" } }));
    const said = await refusal(runCutover(database.db, { ...spec, rows }, "in-cluster", meta));
    assert.match(said, /a value does not fit its column \(SQLSTATE 22P02\).*\nCompare \[set\]/);
  });

  it("a table in another schema that the configuration names without it", async () => {
    await database.as(
      database.applicationUrl,
      `create schema other; create table other.settings (x int); grant usage on schema other to public; grant select on other.settings to public`,
    );
    const rows = spec.rows.map((row) => ({
      ...row,
      seed: { condition: "select from settings", values: {} },
    }));
    await database.query(
      "delete from chat_thread_mcp_servers; delete from mcp_servers where server_key = 'chroma'",
    );
    await both(
      /relation "settings" does not exist \(SQLSTATE 42P01\).*\n.*their schema before them/,
      {
        ...spec,
        rows,
      },
    );
  });
});
