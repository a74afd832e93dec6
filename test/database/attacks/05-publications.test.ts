import assert from "node:assert/strict";

import { planRows, runCutover, settle } from "@mcp-fleet/row-cutover";

import { onEachPostgres } from "../../support/postgres";
import { type AttackedDatabase, attackedDatabase, meta, refusal, studioSpec } from "./support";

onEachPostgres("the ledger goes to no subscriber (issue 16, item 5)", (server) => {
  let database: AttackedDatabase;
  const spec = studioSpec();
  const accepting = { ...spec, allowPublications: true };
  beforeEach(async () => {
    database = await attackedDatabase(server());
  });
  afterEach(() => database.drop());

  for (const [title, publication] of [
    ["for all tables", "create publication cdc for all tables"],
    ["for tables in our schema", "create publication cdc for tables in schema mcp_cutover"],
    ["for the journal", "create publication cdc for table mcp_cutover.journal"],
  ] as const) {
    it(`a publication ${title} stops plan, run and the way back, with what to do`, async () => {
      const first = title !== "for all tables";
      if (first) await runCutover(database.db, spec, "in-cluster", meta);
      const target = first ? "embedded" : "in-cluster";
      const before = await database.snapshot();
      await database.query(publication);
      for (const call of [
        () => planRows(database.db, spec, target),
        () => runCutover(database.db, spec, target, meta),
      ]) {
        const said = await refusal(call());
        assert.match(said, /The publication cdc \(/);
        assert.match(said, /\[cutover\.allowPublications\]/);
      }
      assert.deepEqual(await database.snapshot(), before);
      const { warnings } = await planRows(database.db, accepting, target);
      assert.match(warnings.join("\n"), /cdc .* sends ledger and journal to subscribers/);
      await runCutover(database.db, accepting, target, meta);
    });
  }

  it("where it is accepted, Settle and the way back work: every table of ours has a key", async () => {
    await database.query("create publication cdc for all tables");
    await runCutover(database.db, accepting, "in-cluster", meta);
    await database.as(
      database.applicationUrl,
      `update mcp_servers set config_json = '{"command": "x"}' where server_key = 'github'`,
    );
    assert.equal((await settle(database.db, accepting, 1)).fencedWrites, 1);
    assert.equal((await runCutover(database.db, accepting, "embedded", meta)).counts.restore, 5);
    await settle(database.db, accepting, 2);
  });

  it("a published table that the server will not let anybody update is told before the run", async () => {
    await database.query(
      "create publication cdc for table mcp_servers; alter table mcp_servers replica identity nothing",
    );
    for (const call of [
      () => planRows(database.db, spec, "in-cluster"),
      () => runCutover(database.db, spec, "in-cluster", meta),
    ]) {
      const said = await refusal(call());
      assert.match(said, /no replica identity/);
      assert.match(said, /alter table public\.mcp_servers replica identity full/);
    }
  });

  it("says of a publication of the application's table what is true", async () => {
    await database.query("create publication cdc for table mcp_servers");
    const { warnings } = await planRows(database.db, spec, "in-cluster");
    assert.match(warnings.join("\n"), /is published \(cdc\)/);
    assert.doesNotMatch(warnings.join("\n"), /stay here/);
  });
});
