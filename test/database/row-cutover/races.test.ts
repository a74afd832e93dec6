import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { readLedger, runCutover } from "@mcp-fleet/row-cutover";

import { withClient } from "../../../lab/database/access";
import { Proxy } from "./proxy";
import { isForward, meta, type StudioDatabase, studioDatabase, studioSpec } from "./support";

describe("races and lost connections", () => {
  let database: StudioDatabase;
  const spec = studioSpec();
  beforeEach(async () => {
    database = await studioDatabase({ schema: "jsonb" });
  });
  afterEach(() => database.drop());

  it("lets one of two runs through and tells the other who is at work (S4, S5)", async () => {
    await withClient(database.db.connectionString, async (holder) => {
      await holder.query("set application_name = 'mcp-fleet run by somebody'; begin");
      await holder.query(
        `select pg_advisory_xact_lock(${0x6d637066}, hashtext('public.mcp_servers'))`,
      );
      await assert.rejects(
        runCutover(database.db, spec, "in-cluster", meta),
        /Another run is in progress on public\.mcp_servers \(mcp-fleet run by somebody, process \d+ of role rc_cutover, since/,
      );
    });
    assert.equal(isForward(await database.snapshot()), false);
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map(() => runCutover(database.db, spec, "in-cluster", meta)),
    );
    const done = outcomes.filter(({ status }) => status === "fulfilled");
    const wrote = done.filter((one) => one.status === "fulfilled" && !one.value.repeated);
    assert.equal(wrote.length, 1);
    for (const one of outcomes) {
      if (one.status === "rejected") assert.match(String(one.reason), /Another run is in progress/);
    }
    assert.equal((await readLedger(database.db, spec))?.generation, 1);
  });

  it("waits for a row that somebody holds, and gives up with the rows as they were (S30)", async () => {
    const quick = { ...spec, timeouts: { lockSeconds: 0.2 } };
    await withClient(database.applicationUrl, async (holder) => {
      await holder.query("begin; update mcp_servers set name = 'x' where server_key = 'github'");
      await assert.rejects(
        runCutover(database.db, quick, "in-cluster", meta),
        /Another session kept the table locked .*55P03/,
      );
      const late = runCutover(database.db, quick, "in-cluster", meta);
      await sleep(500);
      await holder.query("commit");
      assert.equal((await late).counts.rewrite, 5);
    });
  });

  for (const statement of [
    "pg_try_advisory",
    "lock table",
    "insert into mcp_cutover.journal",
    'update "public"',
    "create or replace trigger",
    "insert into mcp_cutover.run",
    "commit\0",
  ]) {
    for (const when of ["before", "after"] as const) {
      it(`tries again when the line is cut ${when} "${statement.replace("\0", "")}" (S3)`, async () => {
        const proxy = await Proxy.open(database.db.connectionString);
        proxy.cut = { statement, when };
        const done = await runCutover(proxy.db, spec, "in-cluster", meta);
        await proxy.close();
        assert.equal(proxy.cuts, 1);
        assert.deepEqual([done.generation, done.repeated, done.counts], [1, false, { rewrite: 5 }]);
        assert.equal(isForward(await database.snapshot()), true);
        const ledger = await readLedger(database.db, spec);
        assert.deepEqual(
          [ledger?.generation, ledger?.runId, ledger?.committedAt],
          [1, done.runId, done.committedAt],
        );
      });
    }
  }

  it("says that it does not know when the database does not come back after COMMIT (S3)", async () => {
    const proxy = await Proxy.open(database.db.connectionString);
    proxy.cut = { statement: "commit\0", when: "after" };
    proxy.closedAfterCut = true;
    await assert.rejects(
      runCutover(proxy.db, spec, "in-cluster", meta),
      /lost during COMMIT, and the outcome of COMMIT is unknown.*\nRun again: the ledger .* tells/,
    );
    await proxy.close();
    // It was committed, and the next run finds it.
    assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).repeated, true);
  });

  it("leaves all or nothing when its session is ended at any moment (S2)", async () => {
    const before = await database.snapshot();
    for (let delay = 0; delay < 60; delay += 6) {
      const run = runCutover(database.db, spec, "in-cluster", meta);
      await sleep(delay);
      await database.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'mcp-fleet run%' and datname = current_database()",
      );
      await run;
      assert.equal(isForward(await database.snapshot()), true);
      await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual(await database.snapshot(), before);
    }
  });
});
