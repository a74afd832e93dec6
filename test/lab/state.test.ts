import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { withClient } from "../../lab/database/access";
import {
  type Snapshot,
  type StudioDatabase,
  studioDatabase,
} from "../database/row-cutover/support";
import { FixtureStack } from "../support/fixture-stack";
import { testServer } from "../support/postgres";
import {
  fixtureDirectory,
  fixtureReleases,
  fixtureState,
  stubServer,
} from "../support/state-fixture";
import { closeServers } from "../unit/mcp-probe/servers";

const release = "0.1.0";

/**
 * The two dynamic resources alone on the real engine, against a real database, without a cluster. With
 * `UPDATE_STATE_FIXTURE=1` the state is kept as the fixture of this release.
 */
describe("the dynamic resources on the engine", function () {
  this.timeout(5 * 60_000);
  let stack: FixtureStack | undefined;
  let database: StudioDatabase | undefined;
  let legacy: Snapshot;
  let serverUrl: string;

  const opened = (): FixtureStack => {
    assert.ok(stack !== undefined);
    return stack;
  };
  const configure = (target: "in-cluster" | "embedded"): Promise<void> =>
    opened().configure(target, database?.db.connectionString ?? "");
  const up = (): ReturnType<FixtureStack["up"]> => opened().up();

  before(async function () {
    serverUrl = (await stubServer()).url;
    database = await studioDatabase({ schema: "jsonb" });
    legacy = await database.snapshot();
    stack = await FixtureStack.create(serverUrl);
    await configure("in-cluster");
  });
  after(async () => {
    await closeServers();
    await database?.drop();
    stack?.remove();
  });

  it("moves the rows, does nothing the second time, and keeps no secret in its state (S17, S35)", async () => {
    await up();
    assert.deepEqual((await up()).changes, { same: 3 });
    const state = await opened().exportState();
    assert.doesNotMatch(state, /ghp_|postgresql:\/\/\w+:/);
    if (process.env.UPDATE_STATE_FIXTURE === "1") {
      mkdirSync(join(fixtureDirectory, release), { recursive: true });
      writeFileSync(join(fixtureDirectory, release, "stack.json"), `${state}\n`);
    }
  });

  it("takes the ledger's generation when an older state is imported, without a refresh (S16)", async () => {
    const older = await opened().exportState();
    await configure("embedded");
    await up();
    await configure("in-cluster");
    await up();
    assert.equal(await opened().generation(), 3);
    const moved = await database?.snapshot();
    await opened().importState(older);
    assert.deepEqual((await up()).changes, { same: 1, update: 2 });
    assert.equal(await opened().generation(), 3);
    assert.deepEqual(await database?.snapshot(), moved);
  });

  it("keeps the resource when a refresh finds no database (S40)", async () => {
    // A refresh uses the connection in the state, which is encrypted, so the database itself must be
    // unavailable.
    const { url } = await testServer();
    const name = database?.name ?? "";
    const rename = (from: string, to: string): Promise<unknown> =>
      withClient(url, (client) => client.query(`alter database ${from} rename to ${to}`));
    await rename(name, `${name}_away`);
    await assert.rejects(opened().automation.refresh(), /does not exist/);
    await rename(`${name}_away`, name);
    assert.match(await opened().exportState(), /mcp-fleet:Cutover/);
  });

  for (const kept of fixtureReleases()) {
    it(`goes on from the state of release ${kept}: update, refresh, destroy with the rows kept (S18, S37)`, async () => {
      // The database of that state: generation 1, in the cluster.
      await database?.drop();
      database = await studioDatabase({ schema: "jsonb" });
      await configure("in-cluster");
      const { text } = fixtureState(kept, serverUrl);
      await opened().importState(emptied(text));
      await up();
      const moved = await database.snapshot();
      await opened().importState(text);
      await up();
      assert.deepEqual(await database.snapshot(), moved);
      await opened().automation.refresh();
      assert.equal(await opened().generation(), 1);
      const { stdout } = await opened().automation.destroy();
      assert.match(stdout, /the rows, the ledger and the journal stay as they are/);
      assert.deepEqual(await database.snapshot(), moved);
      assert.notDeepEqual(moved, legacy);
    });
  }
});

/** The same state without resources. */
function emptied(text: string): string {
  const state = JSON.parse(text) as { deployment: { resources?: unknown } };
  delete state.deployment.resources;
  return JSON.stringify(state);
}
