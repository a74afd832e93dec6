import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { planRows, readLedger, runCutover } from "@mcp-fleet/row-cutover";
import type { Client } from "pg";

import { withClient } from "../../../lab/database/access";
import {
  cutoverRole,
  isForward,
  meta,
  type Snapshot,
  type StudioDatabase,
  studioDatabase,
  studioSpec,
} from "./support";

const spec = studioSpec();

/** A foreign trigger on the table. */
async function trigger(database: StudioDatabase, body: string): Promise<void> {
  await database.query(`
    create function public.somebody() returns trigger language plpgsql security definer as
      $$ begin ${body} return new; end $$;
    create trigger somebody after update on mcp_servers for each row
      when (pg_trigger_depth() = 0) execute function public.somebody()`);
}

describe("what a table and a server can do to a run", () => {
  let database: StudioDatabase;
  let before: Snapshot;
  beforeEach(async () => {
    database = await studioDatabase({ schema: "jsonb" });
    before = await database.snapshot();
  });
  afterEach(() => database.drop());

  const refused = async (message: RegExp): Promise<void> => {
    await assert.rejects(runCutover(database.db, spec, "in-cluster", meta), message);
    assert.deepEqual(await database.snapshot(), before);
    assert.equal(await readLedger(database.db, spec), undefined);
  };

  it("a trigger that changes our rows stops the run (S32)", async () => {
    await trigger(
      database,
      `update public.mcp_servers set config_json = '{"command": "x"}' where id = new.id;`,
    );
    await refused(/were not stored as written: a trigger or rule of the table changed them/);
  });

  it("a trigger that changes other rows stops the run (S32)", async () => {
    await trigger(
      database,
      "update public.mcp_servers set description = 'x' where server_type = 'custom';",
    );
    await refused(/rows of public\.mcp_servers would have changed instead of 5/);
  });

  it("the plan names others' triggers and publications of the table (S32)", async () => {
    assert.deepEqual((await planRows(database.db, spec, "in-cluster")).warnings, []);
    await trigger(database, "perform 1;");
    await database.query("create publication reports for table mcp_servers");
    const { warnings } = await planRows(database.db, spec, "in-cluster");
    assert.match(warnings.join("\n"), /triggers that may fire .*: somebody\./);
    assert.match(warnings.join("\n"), /is published \(reports\): subscribers get/);
    assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).counts.rewrite, 5);
    assert.deepEqual((await planRows(database.db, spec, "in-cluster")).warnings, []);
  });

  it("a server without a free connection is tried again, then named (S36)", async () => {
    const limit = (count: number): Promise<unknown> =>
      database.query(`alter database ${database.name} connection limit ${count}`);
    await limit(0);
    try {
      await assert.rejects(
        runCutover(database.db, spec, "in-cluster", meta),
        /cannot be reached while moving the rows \(53300\)/,
      );
      const late = runCutover(database.db, spec, "in-cluster", meta);
      await sleep(300);
      await limit(-1);
      assert.equal((await late).counts.rewrite, 5);
    } finally {
      await limit(-1);
    }
  });

  it("a deadlock's victim begins again (S31)", async () => {
    // The inserter of a journal entry waits for the other session, which waits for the table: the server ends
    // one of them.
    await database
      .query(`alter role ${cutoverRole} in database ${database.name} set deadlock_timeout = '50ms'`)
      .catch(() => undefined);
    await runCutover(database.db, spec, "in-cluster", meta);
    await runCutover(database.db, spec, "embedded", meta);
    await withClient(database.url, async (other: Client) => {
      await other.query(
        "set deadlock_timeout = '10s'; begin; lock table mcp_cutover.journal in exclusive mode",
      );
      const run = runCutover(database.db, spec, "in-cluster", meta);
      await untilWaiting(database);
      // Waits for the run's lock on the table, so that both wait for each other.
      const crossed = other.query("lock table mcp_servers in exclusive mode");
      const done = await Promise.all([run, crossed.then(() => other.query("commit"))]);
      assert.deepEqual([done[0].generation, done[0].counts], [3, { rewrite: 5 }]);
    });
    assert.equal(isForward(await database.snapshot()), true);
  });

  it("a long transaction delays nobody behind the run for longer than its patience (S30)", async () => {
    const patient = { ...spec, timeouts: { lockSeconds: 0.3 } };
    await withClient(database.applicationUrl, async (holder) => {
      await holder.query("begin; update mcp_servers set name = name where server_key = 'chroma'");
      const run = runCutover(database.db, patient, "in-cluster", meta).catch(
        (error: unknown) => error,
      );
      await untilWaiting(database);
      const started = Date.now();
      await database.query("update mcp_servers set description = 'd' where server_key = 'github'");
      const waited = Date.now() - started;
      assert.ok(waited < 1500, `a writer behind the run waited for ${waited} ms`);
      assert.match(String(await run), /Another session kept the table locked/);
      await holder.query("rollback");
    });
  });

  it("a plan reads in a transaction that cannot write, and waits for nobody (S30)", async () => {
    await withClient(database.url, async (holder) => {
      await holder.query("begin; lock table mcp_servers in exclusive mode");
      assert.equal((await planRows(database.db, spec, "in-cluster")).changes.length, 5);
      await holder.query("rollback");
    });
    assert.deepEqual(await database.snapshot(), before);
  });
});

async function untilWaiting(database: StudioDatabase): Promise<void> {
  for (;;) {
    const waiting = await database.query(
      "select from pg_stat_activity where application_name like 'mcp-fleet run%' and wait_event_type = 'Lock' and datname = current_database()",
    );
    if (waiting.length > 0) return;
    await sleep(10);
  }
}
