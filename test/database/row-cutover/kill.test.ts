import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { readLedger, runCutover, settle } from "@mcp-fleet/row-cutover";

import type { EngineRequest } from "./engine-process";
import { type Moment, Proxy } from "./proxy";
import { isForward, meta, type StudioDatabase, studioDatabase, studioSpec } from "./support";
import { type TenantsDatabase, tenantsDatabase, tenantsSpec } from "./tenants";

const before = (statement: string): Moment => ({ statement, when: "before" });
const after = (statement: string): Moment => ({ statement, when: "after" });
const commit = "commit\0";

/** The points of a run, and whether the run is committed when the process is killed there. */
const points: { name: string; at?: Moment; committed: boolean }[] = [
  { name: "before the lock (S2)", at: before("pg_try_advisory"), committed: false },
  {
    name: "after the journal (S2)",
    at: after("insert into mcp_cutover.journal"),
    committed: false,
  },
  { name: "after the update (S2)", at: after('update "public"'), committed: false },
  { name: "just before COMMIT (S2)", at: before(commit), committed: false },
  { name: "after COMMIT, before its answer is read (S1, S3)", at: after(commit), committed: true },
  { name: "after the answer, before state is saved (S1)", committed: true },
];

type Reached = Pick<StudioDatabase, "db" | "query">;

/** Starts the process, waits until it reaches the point, and kills it: none of its handlers run. */
async function killAt(
  database: Reached,
  request: Omit<EngineRequest, "db">,
  at?: Moment,
): Promise<void> {
  const proxy = await Proxy.open(database.db.connectionString);
  proxy.hold = at;
  const child = spawn(
    process.execPath,
    [join(__dirname, "engine-process.js"), JSON.stringify({ ...request, db: proxy.db })],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = once(child, "exit");
  const arrived = at === undefined ? answered(child) : proxy.held;
  await Promise.race([
    arrived,
    ended.then(([code]) => assert.fail(`the process ended by itself with ${String(code)}`)),
  ]);
  child.kill("SIGKILL");
  assert.deepEqual(await ended, [null, "SIGKILL"]);
  await proxy.close();
  await untilGone(database);
}

async function answered(child: ChildProcess): Promise<void> {
  if (child.stdout === null) return;
  const [data] = (await once(child.stdout, "data")) as [Buffer];
  assert.equal(data.toString(), "answered\n");
}

/** The server needs a moment to notice that its client is gone; the locks end with the session. */
async function untilGone(database: Reached): Promise<void> {
  for (;;) {
    const left = await database.query(
      "select from pg_stat_activity where application_name like 'mcp-fleet%' and datname = current_database()",
    );
    if (left.length === 0) return;
    await sleep(10);
  }
}

describe("a process that is killed", () => {
  let database: StudioDatabase;
  const spec = studioSpec();
  beforeEach(async () => {
    database = await studioDatabase({ schema: "jsonb" });
  });
  afterEach(() => database.drop());

  for (const { name, at, committed } of points) {
    it(`forward, ${name}: rows all old or all new, and the next run ends it`, async () => {
      const old = await database.snapshot();
      await killAt(database, { spec, what: "in-cluster", generation: 0 }, at);
      const left = await database.snapshot();
      assert.equal(isForward(left), committed);
      if (!committed) assert.deepEqual(left, old);
      const again = await runCutover(database.db, spec, "in-cluster", meta);
      assert.deepEqual([again.generation, again.repeated], [1, committed]);
      assert.deepEqual(again.counts, { rewrite: 5 });
      if (committed) assert.deepEqual(await database.snapshot(), left);
      await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual(await database.snapshot(), old);
    });

    it(`back, ${name}: rows all new or all old, and the next run ends it`, async () => {
      const old = await database.snapshot();
      await runCutover(database.db, spec, "in-cluster", meta);
      const moved = await database.snapshot();
      await killAt(database, { spec, what: "embedded", generation: 0 }, at);
      const left = await database.snapshot();
      assert.deepEqual(left, committed ? old : moved);
      const again = await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual([again.generation, again.repeated], [2, committed]);
      assert.deepEqual(await database.snapshot(), old);
    });
  }

  for (const at of [after("drop function"), before(commit), after(commit)]) {
    const name = `${at.when} ${at.statement.replace("\0", "").toUpperCase()}`;
    it(`in Settle, ${name}: the fence is whole or gone, and the next Settle ends it`, async () => {
      await runCutover(database.db, spec, "in-cluster", meta);
      const moved = await database.snapshot();
      await killAt(database, { spec, what: "settle", generation: 1 }, at);
      const committed = at.when === "after" && at.statement === commit;
      const fences = await database.query("select from pg_trigger where not tgisinternal");
      assert.equal(fences.length, committed ? 0 : 3);
      const settled = await settle(database.db, spec, 1);
      assert.equal(settled.removedFence, !committed);
      assert.notEqual((await readLedger(database.db, spec))?.settledAt, undefined);
      assert.deepEqual(await database.snapshot(), moved);
    });
  }
});

describe("a process that is killed while it writes the many rows of a server", () => {
  let database: TenantsDatabase;
  const spec = tenantsSpec();
  beforeEach(async () => {
    // Half of them are TOML, which the engine processes differently.
    const rows = Array.from({ length: 600 }, (_, i) => ({
      server: ["a", "b", "c"][i % 3] ?? "",
      config: i % 2 === 0 ? '{"command": "x", "args": []}' : `command = "x"\nargs = ["${i}"]`,
    }));
    database = await tenantsDatabase("text", rows);
  });
  afterEach(() => database.drop());

  for (const { name, at, committed } of points) {
    it(`there and back, ${name}: rows all old or all new, and the next run ends it`, async () => {
      const old = await database.rows();
      await killAt(database, { spec, what: "in-cluster", generation: 0 }, at);
      const left = await database.rows();
      const moved = left.filter(({ config }) => config?.includes("svc.cluster.local")).length;
      assert.equal(moved, committed ? 600 : 0);
      if (!committed) assert.deepEqual(left, old);
      const again = await runCutover(database.db, spec, "in-cluster", meta);
      assert.deepEqual([again.counts, again.repeated], [{ rewrite: 600 }, committed]);
      const there = await database.rows();
      await killAt(database, { spec, what: "embedded", generation: 0 }, at);
      assert.deepEqual(await database.rows(), committed ? old : there);
      const back = await runCutover(database.db, spec, "embedded", meta);
      assert.deepEqual([back.generation, back.repeated], [2, committed]);
      assert.deepEqual(await database.rows(), old);
    });
  }
});
