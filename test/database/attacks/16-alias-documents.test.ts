import assert from "node:assert/strict";

import { planRows, runCutover, settle } from "@mcp-fleet/row-cutover";

import { secretMark } from "../../../lab/database/schema";
import { onEachPostgres } from "../../support/postgres";
import { type AttackedDatabase, attackedDatabase, meta, refusal, studioSpec } from "./support";

onEachPostgres("what stops the new application stops the run (issue 16, item 16)", (server) => {
  let database: AttackedDatabase;
  const spec = studioSpec();
  afterEach(() => database.drop());

  describe("a user's own row under an alias", () => {
    beforeEach(async () => {
      database = await attackedDatabase(server(), { schema: "jsonb", atlassianKey: "both" });
      await database.query(
        "update mcp_servers set server_type = 'custom' where server_key = 'jira'",
      );
    });

    it("is refused, with what to do", async () => {
      const before = await database.snapshot();
      for (const call of [planRows, runCutover]) {
        const said = await refusal(call(database.db, spec, "in-cluster", meta));
        assert.match(
          said,
          /The row jira of public\.mcp_servers is a user's own .* older key of atlassian/,
        );
        assert.match(said, /\[cutover\.customAliases\] to merge.*\[cutover\.skip\]/);
      }
      assert.deepEqual(await database.snapshot(), before);
    });

    it("is merged where that is wanted, and comes back with its type and its references", async () => {
      const merging = { ...spec, customAliases: "merge" as const };
      const before = await database.snapshot();
      const plan = await planRows(database.db, merging, "in-cluster");
      assert.deepEqual(
        plan.changes.filter(({ action }) => action === "merge").map(({ key }) => key),
        ["jira"],
      );
      assert.equal((await runCutover(database.db, merging, "in-cluster", meta)).counts.merge, 1);
      await settle(database.db, merging, 1);
      assert.equal((await planRows(database.db, merging, "in-cluster")).noop, true);
      await runCutover(database.db, merging, "embedded", meta);
      assert.deepEqual(await database.snapshot(), before);
    });

    it("stays where its key is skipped", async () => {
      const skipping = { ...spec, skip: ["jira"] };
      await runCutover(database.db, skipping, "in-cluster", meta);
      const rows = await database.query("select from mcp_servers where server_key = 'jira'");
      assert.equal(rows.length, 1);
    });

    it("is not merged into nothing", async () => {
      await database.query(
        "delete from agent_task_mcp_servers; delete from chat_thread_mcp_servers; delete from task_template_mcp_servers; delete from flowchart_node_mcp_servers",
      );
      await database.query("delete from mcp_servers where server_key = 'atlassian'");
      assert.match(
        await refusal(planRows(database.db, { ...spec, customAliases: "merge" }, "in-cluster")),
        /Rename or delete it in the application/,
      );
    });
  });

  describe("a document that the application's own conversion stops at", () => {
    beforeEach(async () => {
      database = await attackedDatabase(server(), { schema: "text" });
    });

    const put = (config: string): Promise<unknown> =>
      database.query("update mcp_servers set config_json = $1 where server_type = 'custom'", [
        config,
      ]);

    for (const [config, reason] of [
      ["", /is empty/],
      ["  \n", /is empty/],
      ['{"a": "\\u0000"}', /u0000/],
      ['{"\\u0000": 1}', /u0000/],
      ['{"a": "\\ud800"}', /half of a surrogate pair/],
      ['{"a": ["\\udc00x"]}', /half of a surrogate pair/],
      ['{"a": 1e400}', /number that jsonb cannot hold/],
      [`{"a": ${"9".repeat(400)}}`, /number that jsonb cannot hold/],
      ["a = nan", /number that jsonb cannot hold/],
      ["a = -inf", /number that jsonb cannot hold/],
      ['a = "\\u0000"', /u0000/],
      ["a = { b = 1,\n c = 2 }", /several lines \(TOML 1\.1\)/],
      ["a = { b = 1, }", /TOML 1\.1/],
      ['a = "\\e"', /escape of TOML 1\.1/],
      ['a = "\\x41"', /escape of TOML 1\.1/],
      ["a = 07:32", /without seconds/],
      ["a = 1979-05-27T07:32Z", /without seconds/],
      ["\ufeff{}", /byte order mark/],
      ["\ufeffa = 1", /byte order mark/],
    ] as const) {
      it(`such as ${JSON.stringify(config.slice(0, 30))} is named by its row`, async () => {
        await put(config);
        const said = await refusal(planRows(database.db, spec, "in-cluster"));
        assert.match(said, /^The application fails at rows of .*: team-search \(/);
        assert.match(said, reason);
        assert.ok(!said.includes(secretMark));
        assert.equal(await refusal(runCutover(database.db, spec, "in-cluster", meta)), said);
      });
    }

    it("and all others are left alone", async () => {
      for (const config of [
        '{"a": "\\ud83d\\ude00", "b": 1e300, "c": "1e400 \\\\u0000"}',
        `a = { b = "x, }", c = [1,\n 2,\n] } # }, 07:32\nd = 07:32:00\ne = 1979-05-27T07:32:00-07:00`,
        'a = """\n \\\\e 07:32 {\n"""\nb = \'\\e \\x41\'',
        '[mcp_servers.team-search]\ncommand = "x"\nargs = [\n "a", # one\n]',
      ]) {
        await put(config);
        assert.equal((await planRows(database.db, spec, "in-cluster")).changes.length, 5, config);
      }
    });
  });

  describe("a document beyond all that anybody wrote", () => {
    const deep = (open: string, close: string, levels: number): string =>
      `{"a": ${open.repeat(levels)}1${close.repeat(levels)}}`;

    for (const schema of ["text", "jsonb"] as const) {
      for (const [what, config, reason] of [
        ["of great length", `{"command": "x", "a": "${"ab".repeat(150_000)}"}`, /longer than/],
        ["nested far too deep", deep('{"a":', "}", 900), /nested deeper than 100 levels/],
        ...(schema === "text"
          ? ([["nested without end", deep("[", "]", 120_000), /nested deeper|neither/]] as const)
          : []),
      ] as const) {
        it(`${what}, ${schema}, is named by its row`, async () => {
          database = await attackedDatabase(server(), { schema });
          // In a column of text, also one that is none of the application's own.
          const key = schema === "text" ? "team-search" : "github";
          await database.query(
            `update mcp_servers set config_json = $1::${schema} where server_key = '${key}'`,
            [config],
          );
          for (const call of [planRows, runCutover]) {
            const said = await refusal(call(database.db, spec, "in-cluster", meta));
            assert.match(said, new RegExp(`${key}.*`));
            assert.match(said, reason);
          }
          const skipping = { ...spec, skip: [key] };
          const { counts } = await runCutover(database.db, skipping, "in-cluster", meta);
          assert.equal(counts.rewrite, schema === "text" ? 5 : 4);
        });
      }
    }

    it("takes no time that grows with its square", async () => {
      database = await attackedDatabase(server(), { schema: "text" });
      await database.query("update mcp_servers set config_json = $1 where server_type = 'custom'", [
        `a = [${"{},".repeat(80_000)}]`,
      ]);
      const started = performance.now();
      await planRows(database.db, spec, "in-cluster");
      assert.ok(performance.now() - started < 5000);
    });

    it("many of them are in memory a few at a time", async () => {
      database = await attackedDatabase(server(), { schema: "text" });
      await database.query(
        `insert into mcp_servers (name, server_key, config_json, server_type, created_at, updated_at)
         select 'n', 'big-' || n, 'a = "' || repeat('ab', 500000) || '"', 'custom', now(), now() from generate_series(1, 300) n`,
      );
      const before = process.memoryUsage().rss;
      assert.match(await refusal(planRows(database.db, spec, "in-cluster")), /longer than/);
      assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024);
    });

    it("a wrapper is looked into by its own keys alone", async () => {
      database = await attackedDatabase(server(), { schema: "text" });
      await database.query(
        `update mcp_servers set server_key = 'constructor', config_json = '{"mcp_servers": {"mine": {"command": "x"}}}'
          where server_type = 'custom'`,
      );
      assert.equal((await planRows(database.db, spec, "in-cluster")).changes.length, 5);
    });
  });
});
