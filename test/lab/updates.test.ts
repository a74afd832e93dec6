import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { ListedUpdate } from "@mcp-fleet/operations";

import { commit, type Moment, Proxy } from "../database/row-cutover/proxy";
import {
  type Snapshot,
  type StudioDatabase,
  studioDatabase,
} from "../database/row-cutover/support";
import { mcpFleet } from "../support/cli";
import { FixtureStack, update } from "../support/fixture-stack";
import { killTree } from "../support/processes";
import { stubServer } from "../support/state-fixture";
import { closeServers } from "../unit/mcp-probe/servers";

/** The life of a stack on the real engine: the two dynamic resources and a real database, without a cluster. */
describe("updates on the engine", function () {
  this.timeout(5 * 60_000);
  let stack: FixtureStack | undefined;
  let database: StudioDatabase | undefined;
  let legacy: Snapshot;

  const opened = (): { stack: FixtureStack; database: StudioDatabase } => {
    assert.ok(stack !== undefined && database !== undefined);
    return { stack, database };
  };
  const generation = (): Promise<number> => opened().stack.generation();

  before(async function () {
    const { url } = await stubServer();
    database = await studioDatabase({ schema: "jsonb" });
    legacy = await database.snapshot();
    stack = await FixtureStack.create(url);
  });
  after(async () => {
    await closeServers();
    await database?.drop();
    stack?.remove();
  });

  /** Starts an update whose database connection is blocked from `moment` on; returns a function that kills it. */
  async function heldAt(moment: Moment): Promise<() => Promise<void>> {
    const { stack, database } = opened();
    const proxy = await Proxy.open(database.db.connectionString);
    proxy.hold = moment;
    await stack.configure("in-cluster", proxy.db.connectionString);
    const running = stack.start(update);
    await Promise.race([
      proxy.held,
      running.then(({ all }) => assert.fail(`the update ended by itself: ${all}`)),
    ]);
    await stack.configure("in-cluster", database.db.connectionString);
    return async () => {
      killTree(running.pid ?? 0);
      await running;
      await proxy.close();
      await sessionsGone();
    };
  }

  /** The server needs a moment to notice that its client is gone; the locks end with the session. */
  async function sessionsGone(): Promise<void> {
    const left =
      "select from pg_stat_activity where application_name like 'mcp-fleet%' and datname = current_database()";
    while ((await opened().database.query(left)).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  it("two at once: the backend stops the second one, and the database one whose lock was taken away", async () => {
    const { stack, database } = opened();
    const kill = await heldAt({ ...commit, when: "before" });
    try {
      const second = await stack.try(update);
      assert.notEqual(second.exitCode, 0);
      assert.match(second.said, /currently locked/);
      await stack.automation.cancel();
      const third = await stack.try(update);
      assert.notEqual(third.exitCode, 0);
      assert.match(third.said, /Another run is in progress on public\.mcp_servers/);
    } finally {
      await kill();
    }
    assert.deepEqual(await database.snapshot(), legacy);
  });

  it("killed between COMMIT and checkpoint: the next update finds its own run and writes no row", async () => {
    const { stack, database } = opened();
    await stack.automation.cancel();
    const kill = await heldAt({ ...commit, when: "after" });
    await kill();
    const moved = await database.snapshot();
    assert.notDeepEqual(moved, legacy);
    await stack.automation.cancel();
    assert.match((await stack.up()).said, /pending operation/);
    assert.equal(await generation(), 1);
    assert.deepEqual(await database.snapshot(), moved);
  });

  it("another text of the provider: an update of the resources, no row and no generation", async () => {
    const { stack, database } = opened();
    const moved = await database.snapshot();
    const state = await stack.exportState();
    const older = state.replace(/("__provider": ")/g, "$1/* an older build */ ");
    assert.notEqual(older, state);
    await stack.importState(older);
    assert.deepEqual((await stack.up()).changes, { same: 1, update: 2 });
    assert.equal(await generation(), 1);
    assert.deepEqual(await database.snapshot(), moved);
    assert.deepEqual((await stack.up()).changes, { same: 3 });
  });

  it("a saved plan: carried out as it was shown, and refused once the configuration is another", async () => {
    const { stack, database } = opened();
    const plan = join(stack.directory, "plan.json");
    await stack.configure("embedded", database.db.connectionString);
    await stack.automation.preview({ plan });
    await stack.configure("in-cluster", database.db.connectionString);
    const other = await stack.try([...update, "--plan", plan]);
    assert.notEqual(other.exitCode, 0);
    assert.match(other.said, /violates plan/);
    await stack.configure("embedded", database.db.connectionString);
    await stack.automation.up({ plan });
    assert.equal(await generation(), 2);
    assert.deepEqual(await database.snapshot(), legacy);
  });

  it("mcp-fleet rollback returns to any of the last updates, and mcp-fleet history lists them", async () => {
    const { stack, database } = opened();
    const asked = async <T>(...args: string[]): Promise<T> => {
      const where = ["--cwd", stack.directory, "--stack", "fixture", "--output", "json"];
      const { exitCode, stdout, stderr } = await mcpFleet([...args, ...where], stack.env);
      assert.equal(exitCode, 0, stderr);
      return JSON.parse(stdout) as T;
    };
    await stack.configure("in-cluster", database.db.connectionString);
    await stack.up();
    const moved = documents(await database.snapshot());
    const [forward, back] = await asked<ListedUpdate[]>("history", "--limit", "2");
    assert.ok(forward !== undefined && back !== undefined);
    assert.deepEqual([forward.generation, back.generation], [3, 2]);
    const to = (version: number, ...more: string[]): Promise<unknown> =>
      asked("rollback", "--to", String(version), "--yes", "--keep-program", ...more);
    const reason = "the servers were too slow";
    assert.deepEqual(await to(back.version, "--message", reason), {
      update: back.version,
      target: "embedded",
      generation: 4,
    });
    assert.deepEqual(await database.snapshot(), legacy);
    await to(forward.version);
    assert.deepEqual(documents(await database.snapshot()), moved);
    const listed = await asked<ListedUpdate[]>("history", "--limit", "3");
    assert.deepEqual(
      listed.map((one) => [one.generation, one.moved]),
      [
        [5, true],
        [4, true],
        [3, true],
      ],
    );
    assert.equal(listed[1]?.message, reason);
    const file = join(stack.directory, "report.html");
    await asked("report", "--file", file);
    const page = readFileSync(file, "utf8");
    assert.match(page, /^<!doctype html>[^]*eneration 5/i);
    // Without a cluster, a page about the rows is still useful.
    assert.match(page, /Servers and rollout are not shown: There is no kubeconfig/);
    assert.doesNotMatch(page, /LAB_SECRET|ghp_|rc-password/);
  });
});

function documents({ rows }: Snapshot): (string | null | undefined)[] {
  return rows.map((row) => row.config_json);
}
