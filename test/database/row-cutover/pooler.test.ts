import assert from "node:assert/strict";

import { drift, runCutover, settle } from "@mcp-fleet/row-cutover";
import { Pool } from "pg";

import { pgbouncerMissing, type Pooler, startPgbouncer } from "../../support/pgbouncer";
import { meta, type StudioDatabase, studioDatabase, studioSpec } from "./support";

describe("PgBouncer in transaction mode in front", function () {
  this.timeout(180_000);
  let database: StudioDatabase;
  let pooler: Pooler | undefined;
  const spec = studioSpec();

  before(async function () {
    const missing = pgbouncerMissing();
    if (missing !== undefined) {
      process.stdout.write(`not run: ${missing}\n`);
      return this.skip();
    }
    database = await studioDatabase({ schema: "jsonb" });
    pooler = await startPgbouncer([database.db.connectionString, database.applicationUrl], 2);
  });
  after(async () => {
    await pooler?.close();
    await (database as StudioDatabase | undefined)?.drop();
  });

  it("carries a cutover, its fence, Settle and the way back, and nothing of a run stays on a connection", async () => {
    assert.ok(pooler !== undefined);
    const db = { connectionString: pooler.through(database.db.connectionString) };
    const old = await database.snapshot();
    // Another client of the pool uses the same server connections in turn, as the cutover's role.
    const others = new Pool({ connectionString: db.connectionString, max: 6 });
    const application = new Pool({
      connectionString: pooler.through(database.applicationUrl),
      max: 4,
    });
    let busy = true;
    const settings = new Set<string>();
    const noise = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (busy) {
          const found = await others.query<{ s: string }>(
            "select concat_ws('|', current_setting('lock_timeout'), current_setting('statement_timeout'), current_setting('mcp_cutover.writer', true), current_setting('extra_float_digits')) s",
          );
          settings.add(found.rows[0]?.s ?? "");
        }
      }),
    );
    try {
      assert.equal((await runCutover(db, spec, "in-cluster", meta)).counts.rewrite, 5);
      assert.equal((await runCutover(db, spec, "in-cluster", meta)).repeated, true);
      const moved = await database.snapshot();
      for (let i = 0; i < 10; i += 1) {
        await application.query(
          `update mcp_servers set config_json = '{"command": "old"}' where server_key = 'github'`,
        );
      }
      assert.deepEqual(await database.snapshot(), moved);
      const settled = await settle(db, spec, 1);
      assert.deepEqual([settled.fencedWrites, settled.converted], [10, 0]);
      assert.deepEqual((await drift(db, spec))?.rows, []);
      assert.equal((await runCutover(db, spec, "embedded", meta)).generation, 2);
      assert.deepEqual(await database.snapshot(), old);
    } finally {
      busy = false;
      await noise;
      await others.end();
      await application.end();
    }
    // A transaction-local setting leaves an empty string, never a value.
    for (const one of settings) assert.match(one, /^0\|0\|(\|)?1$/);
  });
});
