import assert from "node:assert/strict";

import { drift, finalize, readLedger, runCutover, settle } from "@mcp-fleet/row-cutover";

import { secretMark } from "../../../lab/database/schema";
import { meta, type StudioDatabase, studioDatabase, studioSpec } from "./support";

const elsewhere = '{"url": "http://elsewhere/mcp", "transport": "streamable-http"}';
const spec = studioSpec({ fence: false });

for (const schema of ["text", "jsonb"] as const) {
  describe(`drift, ${schema}`, () => {
    let database: StudioDatabase;
    beforeEach(async () => {
      database = await studioDatabase({ schema });
    });
    afterEach(() => database.drop());

    it("is nothing before the first run, and nothing right after a run, either way", async () => {
      assert.equal(await drift(database.db, spec), undefined);
      for (const target of ["in-cluster", "embedded"] as const) {
        const run = await runCutover(database.db, spec, target, meta);
        assert.deepEqual(await drift(database.db, spec), {
          generation: run.generation,
          target,
          rows: [],
          fenceStands: false,
          fencedWrites: 0,
        });
      }
    });

    it("lists rows that were changed, deleted or made since, and no value of theirs (S13, S16)", async () => {
      await runCutover(database.db, spec, "in-cluster", meta);
      const before = await database.snapshot();
      await database.query("delete from chat_thread_mcp_servers");
      await database.query("delete from mcp_servers where server_key = 'chroma'");
      await database.query(
        `insert into mcp_servers (name, server_key, config_json, server_type, created_at, updated_at)
         values ('N', 'brand-new', '${elsewhere}', 'integrated', now(), now())`,
      );
      const stdio = `{"command": "mcp-server-github", "env": {"GITHUB_PERSONAL_ACCESS_TOKEN": "${secretMark}"}}`;
      await database.query(
        `update mcp_servers set config_json = '${stdio}' where server_key = 'github'`,
      );
      const found = await drift(database.db, spec);
      assert.deepEqual(found?.rows, [
        { key: "chroma", kind: "gone", detail: "was deleted since" },
        {
          key: "github",
          kind: "changed",
          detail: "differs in command, env, transport, url; now stdio mcp-server-github",
        },
        { key: "brand-new", kind: "new", detail: "streamable-http http://elsewhere/mcp" },
      ]);
      assert.ok(!JSON.stringify(found).includes(secretMark));
      assert.equal((await database.snapshot()).rows.length, before.rows.length);
    });

    it("counts what the fence held off, while it stands", async () => {
      const fenced = studioSpec();
      await runCutover(database.db, fenced, "in-cluster", meta);
      await database.query(
        `update mcp_servers set config_json = '${elsewhere}' where server_key = 'github'`,
      );
      const found = await drift(database.db, fenced);
      assert.deepEqual([found?.rows, found?.fenceStands, found?.fencedWrites], [[], true, 1]);
    });
  });

  describe(`finalize, ${schema}`, () => {
    let database: StudioDatabase;
    beforeEach(async () => {
      database = await studioDatabase({ schema });
    });
    afterEach(() => database.drop());
    const secretsLeft = async (): Promise<number> => {
      const found = await database.query<{ count: number }>(
        "select count(*)::int as count from mcp_cutover.journal j where j::text like $1",
        [`%${secretMark}%`],
      );
      return found[0]?.count ?? 0;
    };

    it("drops the rows as they were in every generation, and an undo is refused with the reason (S39)", async () => {
      await runCutover(database.db, spec, "in-cluster", meta);
      await assert.rejects(finalize(database.db, spec, 1), /Generation 1 .* has not been settled/);
      await assert.rejects(finalize(database.db, spec, 2), /the ledger's newest is 1/);
      await runCutover(database.db, spec, "embedded", meta);
      await runCutover(database.db, spec, "in-cluster", meta);
      await settle(database.db, spec, 3);
      const rows = await database.snapshot();
      assert.ok((await secretsLeft()) > 0);

      const done = await finalize(database.db, spec, 3);
      assert.equal(done.dropped, 15);
      assert.equal(await secretsLeft(), 0);
      assert.deepEqual(await finalize(database.db, spec, 3), { ...done, dropped: 0 });
      assert.equal((await readLedger(database.db, spec))?.finalizedAt, done.finalizedAt);
      assert.deepEqual((await drift(database.db, spec))?.rows, []);

      await assert.rejects(
        runCutover(database.db, spec, "embedded", meta),
        /Generation 3 of mcp-fleet\/test cannot be undone: finalize discarded its undo data on \d{4}-/,
      );
      assert.deepEqual(await database.snapshot(), rows);
    });

    it("leaves forward runs possible, without a way back of their own (S39)", async () => {
      await runCutover(database.db, spec, "in-cluster", meta);
      await settle(database.db, spec, 1);
      await finalize(database.db, spec, 1);
      assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).repeated, true);
      await database.query(
        `update mcp_servers set config_json = '${elsewhere}' where server_key = 'github'`,
      );
      const again = await runCutover(database.db, spec, "in-cluster", meta);
      assert.deepEqual([again.generation, again.counts], [2, { rewrite: 1, unchanged: 4 }]);
      await assert.rejects(
        runCutover(database.db, spec, "embedded", meta),
        /Generation 2 .* cannot be undone/,
      );
    });

    it("works on a ledger that was made before there was finalize", async () => {
      await runCutover(database.db, spec, "in-cluster", meta);
      await settle(database.db, spec, 1);
      await database.query(
        "drop table mcp_cutover.schema_version; alter table mcp_cutover.run drop column finalized_at",
      );
      assert.equal((await readLedger(database.db, spec))?.finalizedAt, undefined);
      assert.equal((await finalize(database.db, spec, 1)).dropped, 5);
    });

    it("after a rollback, too: nothing of the old documents stays in the journal", async () => {
      await runCutover(database.db, spec, "in-cluster", meta);
      await runCutover(database.db, spec, "embedded", meta);
      await settle(database.db, spec, 2);
      await finalize(database.db, spec, 2);
      assert.equal(await secretsLeft(), 0);
      const again = await runCutover(database.db, spec, "in-cluster", meta);
      assert.deepEqual([again.generation, again.counts], [3, { rewrite: 5 }]);
      await runCutover(database.db, spec, "embedded", meta);
    });
  });
}
