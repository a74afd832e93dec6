import assert from "node:assert/strict";

import { planRows, readLedger, runCutover, settle } from "@mcp-fleet/row-cutover";

import { customKey, secretMark } from "../../../lab/database/schema";
import { meta, type StudioDatabase, studioDatabase, studioSpec, targetOf } from "./support";

const keys = ["llmctl-mcp", "github", "atlassian", "chroma", "google-cloud"];

for (const schema of ["text", "jsonb"] as const) {
  describe(`rows there and back, ${schema}`, () => {
    let database: StudioDatabase;
    const spec = studioSpec();
    beforeEach(async () => {
      database = await studioDatabase({ schema });
    });
    afterEach(() => database.drop());

    it("plans without writing, shows no credential, and then does what it planned (S35)", async () => {
      const before = await database.snapshot();
      const plan = await planRows(database.db, spec, "in-cluster");
      assert.equal(plan.generation, 1);
      assert.equal(plan.noop, false);
      assert.deepEqual(
        plan.changes.map(({ key, action, from, to }) => ({ key, action, from, to })),
        keys.map((key) => ({
          key,
          action: "rewrite",
          from: {
            "llmctl-mcp": "stdio python3",
            github: "stdio mcp-server-github",
            atlassian: "stdio mcp-atlassian",
            chroma: "stdio python3",
            "google-cloud": "stdio gcloud-mcp",
          }[key],
          to: targetOf(key).url,
        })),
      );
      assert.ok(plan.changes[1]?.drops?.includes("env.GITHUB_PERSONAL_ACCESS_TOKEN"));
      assert.ok(!JSON.stringify(plan).includes(secretMark));
      assert.deepEqual(await database.snapshot(), before);
      assert.deepEqual(
        await database.query("select from pg_namespace where nspname = 'mcp_cutover'"),
        [],
      );

      const done = await runCutover(database.db, spec, "in-cluster", meta);
      assert.deepEqual(done.changes, plan.changes);
      assert.deepEqual(done.counts, { rewrite: 5 });
      assert.deepEqual([done.generation, done.repeated], [1, false]);
      assert.ok(!JSON.stringify(done).includes(secretMark));

      const after = await database.snapshot();
      for (const [i, row] of after.rows.entries()) {
        if (row.server_key === customKey) assert.deepEqual(row, before.rows[i]);
        else {
          assert.deepEqual(JSON.parse(row.config_json ?? ""), targetOf(row.server_key ?? ""));
          assert.notEqual(row.updated_at, before.rows[i]?.updated_at);
          assert.equal(row.created_at, before.rows[i]?.created_at);
          if (schema === "text") {
            assert.equal(row.config_json, JSON.stringify(targetOf(row.server_key ?? "")));
          }
        }
      }
      assert.deepEqual(after.references, before.references);
      assert.equal(after.defaults, before.defaults);
    });

    it("gives everything back byte for byte, and goes forward again (S14)", async () => {
      const before = await database.snapshot();
      await runCutover(database.db, spec, "in-cluster", meta);
      await settle(database.db, spec, 1);
      const plan = await planRows(database.db, spec, "embedded");
      assert.deepEqual(
        plan.changes.map(({ key, action }) => [key, action]),
        [...keys].sort().map((key) => [key, "restore"]),
      );
      assert.ok(!JSON.stringify(plan).includes(secretMark));

      const back = await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual([back.generation, back.counts], [2, { restore: 5 }]);
      assert.deepEqual(await database.snapshot(), before);
      await settle(database.db, spec, 2);
      assert.deepEqual(await database.snapshot(), before);

      const again = await runCutover(database.db, spec, "in-cluster", meta);
      assert.deepEqual([again.generation, again.counts], [3, { rewrite: 5 }]);
      await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual(await database.snapshot(), before);
    });

    it("does nothing the second time (S17)", async () => {
      const first = await runCutover(database.db, spec, "in-cluster", meta);
      const after = await database.snapshot();
      const versions = await database.query("select xmin::text from mcp_servers order by id");
      const plan = await planRows(database.db, spec, "in-cluster");
      assert.deepEqual([plan.noop, plan.generation], [true, 1]);
      const second = await runCutover(database.db, spec, "in-cluster", meta);
      assert.deepEqual([second.repeated, second.generation, second.runId], [true, 1, first.runId]);
      assert.equal(second.committedAt, first.committedAt);
      assert.deepEqual(second.counts, first.counts);
      assert.deepEqual(await database.snapshot(), after);
      assert.deepEqual(
        await database.query("select xmin::text from mcp_servers order by id"),
        versions,
      );
    });

    it("has nothing to do towards embedded before the first cutover", async () => {
      assert.equal(await readLedger(database.db, spec), undefined);
      const plan = await planRows(database.db, spec, "embedded");
      assert.deepEqual([plan.noop, plan.generation], [true, 0]);
      const done = await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual([done.generation, done.repeated, done.runId], [0, true, ""]);
      assert.deepEqual(
        await database.query("select from pg_namespace where nspname = 'mcp_cutover'"),
        [],
      );
    });
  });
}
