import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import { execa } from "execa";

import { chooseEngine } from "../../lab/engine";
import { paths } from "../../lab/paths";
import {
  type Snapshot,
  type StudioDatabase,
  studioDatabase,
  withClient,
} from "../database/row-cutover/support";
import { temporaryHome } from "../support/engine";
import { testServer } from "../support/postgres";
import {
  fixtureDirectory,
  fixtureInputs,
  fixtureReleases,
  fixtureState,
  stubServer,
} from "../support/state-fixture";
import { closeServers } from "../unit/mcp-probe/servers";

const release = "0.1.0";

/**
 * The two dynamic resources alone under the real CLI, against a real database, without a cluster. With
 * `UPDATE_STATE_FIXTURE=1` the state is kept as the fixture of this release.
 */
describe("the dynamic resources under the Pulumi CLI", function () {
  this.timeout(5 * 60_000);
  let removeHome: () => void = () => undefined;
  let backend = "";
  let database: StudioDatabase | undefined;
  let legacy: Snapshot;

  const program = join(fixtureDirectory, "program");
  const stackFile = (): string => join(backend, "Pulumi.fixture.yaml");
  const pulumi = async (args: readonly string[], input = ""): Promise<string> => {
    const { all } = await execa(
      process.env.MCP_FLEET_PULUMI ?? "pulumi",
      [...args, "--stack", "fixture", "--non-interactive"],
      {
        cwd: program,
        input,
        all: true,
        timeout: 120_000,
        env: {
          PULUMI_BACKEND_URL: `file://${backend}`,
          PULUMI_CONFIG_PASSPHRASE: "fixture",
          PULUMI_SKIP_UPDATE_CHECK: "true",
          NO_COLOR: "1",
          PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`,
        },
      },
    );
    return all;
  };
  const configure = async (target: "in-cluster" | "embedded"): Promise<void> => {
    const at = ["--config-file", stackFile()];
    await pulumi(["config", "set", "inputs", ...at], JSON.stringify(fixtureInputs(target)));
    await pulumi(["config", "set", "--secret", "mcp-fleet:databaseUrl", ...at], database?.url);
  };
  const up = (): Promise<string> =>
    pulumi(["up", "--yes", "--skip-preview", "--config-file", stackFile()]);

  before(async function () {
    removeHome = temporaryHome();
    const engine = await chooseEngine(paths.projectDir);
    if (engine.reason !== undefined) {
      process.stdout.write(`  state tests with the CLI skipped: ${engine.reason}\n`);
      this.skip();
    }
    backend = mkdtempSync(join(tmpdir(), "mcp-fleet-state-"));
    await stubServer();
    database = await studioDatabase({ generation: "jsonb" });
    legacy = await database.snapshot();
    await pulumi(["stack", "init", "--secrets-provider", "passphrase"]);
    await configure("in-cluster");
  });
  after(async () => {
    removeHome();
    await closeServers();
    await database?.drop();
    rmSync(join(program, "Pulumi.fixture.yaml"), { force: true });
    if (backend !== "") rmSync(backend, { recursive: true, force: true });
  });

  it("moves the rows, does nothing the second time, and keeps no secret in its state (S17, S35)", async () => {
    await up();
    assert.match(await up(), /3 unchanged/);
    const state = await pulumi(["stack", "export"]);
    assert.doesNotMatch(state, /ghp_|postgresql:\/\/\w+:/);
    if (process.env.UPDATE_STATE_FIXTURE === "1") {
      mkdirSync(join(fixtureDirectory, release), { recursive: true });
      writeFileSync(join(fixtureDirectory, release, "stack.json"), `${state}\n`);
    }
  });

  it("takes the ledger's generation when an older state is imported, without a refresh (S16)", async () => {
    const older = await pulumi(["stack", "export"]);
    await configure("embedded");
    await up();
    await configure("in-cluster");
    await up();
    assert.equal(await pulumi(["stack", "output", "generation"]), "3");
    const moved = await database?.snapshot();
    await pulumi(["stack", "import", "--force"], older);
    assert.match(await up(), /2 updated|updated/);
    assert.equal(await pulumi(["stack", "output", "generation"]), "3");
    assert.deepEqual(await database?.snapshot(), moved);
  });

  it("keeps the resource when a refresh finds no database (S40)", async () => {
    // A refresh takes the connection that state has, encrypted; so the database itself has to go.
    const { url } = await testServer();
    const name = database?.name ?? "";
    const rename = (from: string, to: string): Promise<unknown> =>
      withClient(url, (client) => client.query(`alter database ${from} rename to ${to}`));
    await rename(name, `${name}_away`);
    const refresh = pulumi(["refresh", "--yes", "--skip-preview", "--config-file", stackFile()]);
    await assert.rejects(refresh, /does not exist/);
    await rename(`${name}_away`, name);
    assert.match(await pulumi(["stack", "export"]), /mcp-fleet:Cutover/);
  });

  for (const kept of fixtureReleases()) {
    it(`goes on from the state of release ${kept}: update, refresh, destroy with the rows kept (S18, S37)`, async () => {
      // The database as that state left it: generation 1, in the cluster.
      await database?.drop();
      database = await studioDatabase({ generation: "jsonb" });
      await configure("in-cluster");
      await pulumi(["stack", "import", "--force"], emptied(fixtureState(kept).text));
      await up();
      const moved = await database.snapshot();
      await pulumi(["stack", "import", "--force"], fixtureState(kept).text);
      await up();
      assert.deepEqual(await database.snapshot(), moved);
      await pulumi(["refresh", "--yes", "--skip-preview", "--config-file", stackFile()]);
      assert.equal(await pulumi(["stack", "output", "generation"]), "1");
      const said = await pulumi([
        "destroy",
        "--yes",
        "--skip-preview",
        "--config-file",
        stackFile(),
      ]);
      assert.match(said, /the rows, the ledger and the journal stay as they are/);
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
