import assert from "node:assert/strict";

import { planRows, runCutover, settle } from "@mcp-fleet/row-cutover";

import {
  meta,
  rowSpec,
  type StudioDatabase,
  studioDatabase,
  studioSpec,
  targetOf,
} from "./support";

for (const schema of ["text", "jsonb"] as const) {
  describe(`rows under an older key, ${schema}`, () => {
    let database: StudioDatabase;
    const spec = studioSpec();
    afterEach(() => database.drop());

    it("renames the only row, with its references and other columns, and back", async () => {
      database = await studioDatabase({ schema, atlassianKey: "jira" });
      const set = { name: "Atlassian", description: null };
      const renaming = {
        ...spec,
        rows: spec.rows.map((row) =>
          row.key === "atlassian" ? rowSpec("atlassian", { set }) : row,
        ),
      };
      const before = await database.snapshot();
      const plan = await planRows(database.db, renaming, "in-cluster");
      assert.deepEqual(plan.changes.find(({ key }) => key === "atlassian")?.also, [
        "key jira becomes atlassian",
        "sets name",
        "sets description",
      ]);
      await runCutover(database.db, renaming, "in-cluster", meta);
      const after = await database.snapshot();
      const row = after.rows.find(({ server_key }) => server_key === "atlassian");
      const old = before.rows.find(({ server_key }) => server_key === "jira");
      assert.deepEqual([row?.id, row?.name, row?.description], [old?.id, "Atlassian", null]);
      assert.deepEqual(JSON.parse(row?.config_json ?? ""), targetOf("atlassian"));
      assert.ok(after.rows.every(({ server_key }) => server_key !== "jira"));
      assert.deepEqual(after.references, before.references);
      await settle(database.db, renaming, 1);
      await runCutover(database.db, renaming, "embedded", meta);
      assert.deepEqual(await database.snapshot(), before);
    });

    it("merges two rows: references move, collisions and id lists included, and all of it comes back", async () => {
      database = await studioDatabase({ schema, atlassianKey: "both" });
      const before = await database.snapshot();
      const id = (key: string): string =>
        before.rows.find(({ server_key }) => server_key === key)?.id ?? "";
      const plan = await planRows(database.db, spec, "in-cluster");
      assert.deepEqual(
        plan.changes.filter(({ action }) => action === "merge").map(({ key }) => key),
        ["jira"],
      );
      const done = await runCutover(database.db, spec, "in-cluster", meta);
      // Three owners referred to both rows, one to the older one alone, and one list of ids had both.
      assert.deepEqual(done.counts, { rewrite: 5, merge: 1, references: 5 });
      const after = await database.snapshot();
      assert.ok(after.rows.every(({ server_key }) => server_key !== "jira"));
      assert.deepEqual(after.references.flowchart_node_mcp_servers, [`(30,${id("atlassian")})`]);
      assert.deepEqual(
        after.references.agent_task_mcp_servers?.filter((row) => row.startsWith("(11,")),
        [`(11,${id("atlassian")})`],
      );
      assert.equal(after.defaults, [id("llmctl-mcp"), id("atlassian"), id("github")].join(","));
      await settle(database.db, spec, 1);

      const back = await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual(back.counts, { restore: 5, insert: 1, references: 5 });
      assert.deepEqual(back.warnings, []);
      assert.deepEqual(await database.snapshot(), before);
      await settle(database.db, spec, 2);

      await runCutover(database.db, spec, "in-cluster", meta);
      assert.deepEqual((await database.snapshot()).references, after.references);
      await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual(await database.snapshot(), before);
    });

    it("brings a merge back over a second generation, and leaves alone what owners changed since", async () => {
      database = await studioDatabase({ schema, atlassianKey: "both" });
      const before = await database.snapshot();
      await runCutover(database.db, spec, "in-cluster", meta);
      const moved = {
        ...spec,
        rows: spec.rows.map((row) =>
          row.key === "github" ? { ...row, url: "http://github.elsewhere.svc:8000/mcp" } : row,
        ),
      };
      const second = await runCutover(database.db, moved, "in-cluster", meta);
      assert.deepEqual([second.generation, second.counts], [2, { rewrite: 1, unchanged: 4 }]);
      await database.query("delete from chat_thread_mcp_servers where chat_thread_id = 21");
      await database.query(
        "update integration_settings set value = value || ',99' where provider = 'chat'",
      );
      const back = await runCutover(database.db, moved, "embedded", meta);
      assert.equal(back.warnings.length, 2);
      const after = await database.snapshot();
      assert.deepEqual(after.rows, before.rows);
      assert.deepEqual(
        after.references.agent_task_mcp_servers,
        before.references.agent_task_mcp_servers,
      );
      assert.deepEqual(
        after.references.chat_thread_mcp_servers,
        before.references.chat_thread_mcp_servers?.filter((row) => !row.startsWith("(21,")),
      );
      assert.match(after.defaults, /,99$/);
    });
  });
}
