import assert from "node:assert/strict";

import { type CutoverSpec, planRows, runCutover, settle } from "@mcp-fleet/row-cutover";

import { withClient } from "../../../lab/database/access";
import { cutoverRole, emptyDatabase, meta } from "./support";

type Database = Awaited<ReturnType<typeof emptyDatabase>>;

/** Names that need quoting, a key of two columns, no type column and no id. */
function otherSpec(more: Partial<CutoverSpec["rows"][number]> = {}): CutoverSpec {
  return {
    name: "other/table",
    table: {
      schema: 'odd "schema"',
      table: "Tools; drop table x",
      key: ["Team", "tool name"],
      config: "Config",
      updatedAt: "changed on",
    },
    rows: [
      {
        key: ["a'b", 'q"t'],
        url: "http://tools.example:80/mcp",
        transport: "streamable-http",
        ...more,
      },
    ],
    deferred: [],
    skip: [],
    softReferences: [],
    onConflict: "fail",
    fence: true,
  };
}

const table = '"odd ""schema"""."Tools; drop table x"';

async function otherTable(
  type: string,
  documents: readonly [string, string, string][],
): Promise<Database> {
  const database = await emptyDatabase();
  await withClient(database.applicationUrl, async (client) => {
    await client.query(`create schema "odd ""schema"""`);
    await client.query(
      `create table ${table} ("Team" varchar(20), "tool name" text, "Config" ${type}, "changed on" timestamp, primary key ("Team", "tool name"))`,
    );
    await client.query(`grant usage on schema "odd ""schema""" to ${cutoverRole}`);
    await client.query(
      `grant select, insert, update, delete, trigger on ${table} to ${cutoverRole}`,
    );
    for (const row of documents) {
      await client.query(`insert into ${table} values ($1, $2, $3, '2025-01-02 03:04:05.678901')`, [
        ...row,
      ]);
    }
  });
  return database;
}

function rowsOf(database: Database): Promise<{ team: string; config: string }[]> {
  return database.query(
    `select "Team" as team, "tool name" as tool, "Config"::text as config, "changed on"::text as changed from ${table} order by 1, 2`,
  );
}

/** Big integers, key order, repeated keys, escapes: a conversion in JavaScript would change them. */
const awkward = `{"command":"x", "z": 12345678901234567890123, "args":[],"a":1.10, "u":"\\u00e9\\n\\ud83d\\ude00", "z2": {"k":1,"k":2}, "env":{"MODE":"1"}}`;

describe("documents of every kind in a table of other names", () => {
  for (const type of ["text", "json", "jsonb"]) {
    it(`keeps what it is told to keep exactly, and undoes exactly, ${type} (S28)`, async () => {
      const database = await otherTable(type, [
        ["a'b", 'q"t', awkward],
        ["a'b", "other", awkward],
      ]);
      const before = await rowsOf(database);
      const spec = otherSpec({ keep: "all", headers: { "X-Team": "é" } });
      const plan = await planRows(database.db, spec, "in-cluster");
      assert.deepEqual([...(plan.changes[0]?.drops ?? [])].sort(), ["args", "command", "env.MODE"]);
      await runCutover(database.db, spec, "in-cluster", meta);
      const after = await rowsOf(database);
      const ours =
        '{"url":"http://tools.example:80/mcp","transport":"streamable-http","headers":{"X-Team":"é"}';
      const rest = `,"z":12345678901234567890123,"a":1.10,"u":"\\u00e9\\n\\ud83d\\ude00","z2":{"k":1,"k":2}}`;
      const config = after.find((row) => row.config.includes("tools.example"))?.config ?? "";
      if (type === "jsonb") {
        assert.deepEqual(
          await database.query("select $1::jsonb = $2::jsonb as same", [config, ours + rest]),
          [{ same: true }],
        );
        assert.ok(config.includes("12345678901234567890123") && config.includes("1.10"));
      } else assert.equal(config, ours + rest);
      assert.deepEqual(
        after.filter((row) => !row.config.includes("tools.example")),
        before.filter((row) => (row as { tool?: string }).tool === "other"),
      );
      assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).repeated, true);

      // The fence protects this table too.
      await withClient(database.applicationUrl, (client) =>
        client.query(`update ${table} set "Config" = '{}' where "tool name" = 'q"t'`),
      );
      assert.deepEqual(await rowsOf(database), after);
      assert.equal((await settle(database.db, spec, 1)).fencedWrites, 1);
      await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual(await rowsOf(database), before);
      await database.drop();
    });
  }

  it("keeps listed keys of wrapped and of TOML documents", async () => {
    for (const text of [
      `{"mcp_servers": {"q\\"t": {"command": "x", "timeout": 90071992547409931, "other": 1}}}`,
      `[mcp_servers.tool]\ncommand = "x" # mine\ntimeout = 9007199254740993\nother = 1`,
    ]) {
      const database = await otherTable("text", [["a'b", 'q"t', text]]);
      const before = await rowsOf(database);
      await runCutover(database.db, otherSpec({ keep: ["timeout"] }), "in-cluster", meta);
      const digits = /timeout\D+(\d+)/.exec(text)?.[1];
      assert.equal(
        (await rowsOf(database))[0]?.config,
        `{"url":"http://tools.example:80/mcp","transport":"streamable-http","timeout":${digits}}`,
      );
      await runCutover(database.db, otherSpec({ keep: ["timeout"] }), "embedded", meta);
      assert.deepEqual(await rowsOf(database), before);
      await database.drop();
    }
  });

  it("restores what it changed and keeps an edit of a key that was kept", async () => {
    const database = await otherTable("jsonb", [["a'b", 'q"t', awkward]]);
    const spec = otherSpec({ keep: "all" });
    await runCutover(database.db, { ...spec, fence: false }, "in-cluster", meta);
    await database.query(`update ${table} set "Config" = jsonb_set("Config", '{a}', '"edited"')`);
    await runCutover(database.db, spec, "embedded", meta);
    const [row] = await database.query<{ same: boolean }>(
      `select "Config" = jsonb_set($1::jsonb, '{a}', '"edited"') as same from ${table}`,
      [awkward],
    );
    assert.equal(row?.same, true);
    await database.drop();
  });
});
