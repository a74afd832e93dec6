import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import type { Done } from "@mcp-fleet/engine";
import type { ConfigChange } from "@mcp-fleet/operations";
import type { RowPlan } from "@mcp-fleet/row-cutover";

import { labServers } from "../../lab/config";
import { withClient } from "../../lab/database/access";
import { placeFile, stackName } from "../../lab/engine";
import { paths } from "../../lab/paths";
import type { Lab } from "../../lab/session";
import { type CliResult, mcpFleet } from "../support/cli";
import {
  everything,
  everythingOfUsers,
  installationBefore,
  lastingPods,
  refusal,
  studioConnected,
  studioPods,
} from "../support/lab";
import { type SecondStack, secondStack } from "../support/second-stack";

function promote(to: SecondStack): Promise<CliResult> {
  const stacks = ["--from", stackName, "--to", to.name, "--cwd", to.directory];
  return mcpFleet(["promote", ...stacks, "--output", "json"], to.env, 300);
}

/** Nothing listens there. */
const noDatabase = "postgresql://nobody:nothing@127.0.0.1:1/none";

describe("the program on the engine", function () {
  this.timeout(10 * 60_000);
  let lab: Lab;
  let legacy: string;
  let prod: SecondStack;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await installationBefore("jsonb");
    legacy = await everythingOfUsers(lab);
  });

  it("previews the cutover and changes nothing", async () => {
    const before = await everything(lab);
    const pods = await studioPods(lab);
    const { changes, notes } = await lab.preview("in-cluster");
    assert.ok(notes.join("\n").includes("Rows: "), notes.join("\n"));
    const servers = changes.filter(
      ({ type, op }) => type === "kubernetes:apps/v1:Deployment" && op === "create",
    );
    assert.equal(servers.length, 5);
    const cutover = changes.find(({ type }) => type.endsWith(":Cutover"));
    assert.equal(cutover?.op, "update");
    assert.equal(await everything(lab), before);
    assert.deepEqual(await studioPods(lab), pods);
  });

  it("previews without a database", async () => {
    const { changes } = await lab.preview("in-cluster", { databaseUrl: noDatabase });
    assert.ok(changes.some(({ type, op }) => type.endsWith(":Cutover") && op === "update"));
  });

  it("shows a mistake in the configuration without a stack trace", async () => {
    const said = await refusal(lab.preview("in-cluster", { allowed: { contexts: ["another"] } }));
    assert.match(said, /^[^\n]* is not a cluster this stack may use\.\nSet [^\n]*$/);
  });

  it("cuts over", async () => {
    const { outputs } = await lab.up("in-cluster");
    assert.equal(outputs.generation, 1);
    await studioConnected(lab, "in-cluster");
  });

  it("changes nothing in a second run", async () => {
    const before = await everything(lab);
    const pods = await studioPods(lab);
    const run = await lab.up("in-cluster");
    assertNothingChanged(run);
    assert.equal(run.outputs.generation, 1);
    assert.equal(await everything(lab), before);
    assert.deepEqual(await studioPods(lab), pods);
  });

  it("shows what another stack would get of it, and changes nothing there", async () => {
    const before = await everything(lab);
    prod = await secondStack(lab);
    const file = join(prod.directory, `Pulumi.${prod.name}.yaml`);
    const configured = readFileSync(file, "utf8");
    const { exitCode, stdout, stderr } = await promote(prod);
    assert.equal(exitCode, 0, stderr);
    const shown = JSON.parse(stdout) as Promoted;
    const proved = lab.facts.images.github;
    assert.deepEqual(shown.images, [
      { path: "mcp-fleet:servers.github.image", from: prod.image, to: proved },
    ]);
    assert.deepEqual(shown.commands, [
      `pulumi config set --stack ${prod.name} --path 'mcp-fleet:servers.github.image' '${proved}'`,
    ]);
    assert.equal(shown.rows.changes.filter(({ action }) => action === "rewrite").length, 5);
    assert.ok((shown.resources.create ?? 0) > 20);
    assert.match(
      stderr,
      new RegExp(
        `What else ${stackName} and ${stackName}-prod have differently, and keep:[^]*namespace`,
      ),
    );
    assert.doesNotMatch(stdout + stderr, /LAB_SECRET/);
    assert.equal(readFileSync(file, "utf8"), configured);
    assert.equal(await everything(lab), before);
  });

  it("is not promoted while a row is not as the run left it, nor while it is not settled", async () => {
    const before = await everything(lab);
    /** Its message between two changes of the lab's database. */
    const refusedAfter = async (change: string, back: string): Promise<string> => {
      await withClient(lab.database.superuserUrl, (db) => db.query(change));
      const { exitCode, stderr } = await promote(prod);
      await withClient(lab.database.superuserUrl, (db) => db.query(back));
      assert.notEqual(exitCode, 0);
      return stderr;
    };
    const github = "where server_key = 'github'";
    const drifted = await refusedAfter(
      `create table kept as select config_json from mcp_servers ${github};
       update mcp_servers set config_json = '{"url": "http://elsewhere/mcp"}' ${github}`,
      `update mcp_servers set config_json = (select config_json from kept) ${github}; drop table kept`,
    );
    assert.match(
      drifted,
      new RegExp(`^Rows and cluster of ${stackName} differ in \\d+ places?\\.$`, "m"),
    );
    const unsettled = await refusedAfter(
      `create table kept as select settled_at from mcp_cutover.run;
       update mcp_cutover.run set settled_at = null`,
      `update mcp_cutover.run set settled_at = (select settled_at from kept); drop table kept`,
    );
    assert.match(unsettled, new RegExp(`^Generation 1 of ${stackName} is not settled`, "m"));
    assert.equal(await everything(lab), before);
  });

  it("rolls one server and nothing else when one server is changed", async () => {
    const rows = await everything(lab);
    const before = await lastingPods(lab);
    const servers = labServers(lab.facts.images);
    const github = { ...servers.github, env: { LOG_LEVEL: "debug" } };
    const { changes, outputs } = await lab.up("in-cluster", { servers: { ...servers, github } });
    const changed = changes.filter(({ op }) => op !== "same");
    assert.deepEqual(
      changed.map(({ urn, op }) => `${op} ${urn.split("::").at(-1)}`),
      ["update llmctl-mcp-github"],
    );
    assert.equal(outputs.generation, 1);
    assert.equal(await everything(lab), rows);
    const after = await lastingPods(lab);
    const gone = [...before].filter((pod) => !after.has(pod));
    assert.ok(gone.length > 0 && gone.every((pod) => pod.startsWith("llmctl-mcp-github-")));
  });

  it("writes no secret in clear", async () => {
    const files = filesUnder(paths.engine).filter((file) => file !== placeFile);
    files.push(join(paths.projectDir, `Pulumi.${stackName}.yaml`));
    const texts = [
      await lab.stack.ask(["stack", "export"]),
      ...files.map((file) => readFileSync(file, "utf8")),
    ];
    assert.ok(
      files.some((file) => file.endsWith(`/${stackName}.json`)),
      "the checkpoint was not looked at",
    );
    assert.match(texts[0] ?? "", /mcp-fleet:Cutover/);
    assert.match(texts[0] ?? "", /"ciphertext"/);
    const secrets = secretsOf(lab);
    assert.ok(secrets.length > 10, "too few secrets to look for");
    for (const text of texts) {
      const found = secrets.filter((secret) => text.includes(secret));
      assert.equal(found.length, 0, "a secret is in the state or in the configuration");
    }
  });

  it("rolls back by target: rows as they were, then Studio", async () => {
    await lab.up("embedded");
    const view = await studioConnected(lab, "embedded");
    assert.deepEqual([...new Set(view.servers.map((server) => server.transport))], ["stdio"]);
    assert.equal(await everythingOfUsers(lab), legacy);
  });

  it("stops before Studio when the rows cannot be reached", async () => {
    const pods = await studioPods(lab);
    const said = await refusal(lab.up("in-cluster", { databaseUrl: noDatabase }));
    assert.match(said, /^The database cannot be reached [^\n]*\nCheck that it runs [^\n]*$/);
    assert.deepEqual(await studioPods(lab), pods);
    assert.equal(await everythingOfUsers(lab), legacy);
  });

  it("goes forward again as a new generation", async () => {
    const { outputs } = await lab.up("in-cluster");
    assert.equal(outputs.generation, 3);
    await studioConnected(lab, "in-cluster");
  });
});

/** The output of `mcp-fleet promote`. */
interface Promoted {
  readonly images: readonly ConfigChange[];
  readonly rows: RowPlan;
  readonly resources: Readonly<Record<string, number>>;
  readonly commands: readonly string[];
}

function assertNothingChanged({ changes }: Done): void {
  assert.ok(changes.length > 20, `only ${changes.length} resources were looked at`);
  assert.deepEqual(
    changes.filter((change) => change.op !== "same"),
    [],
  );
}

/** The lab's credentials in plain text, as in a DSN and as in a Secret of the cluster. */
function secretsOf({ facts, database }: Lab): string[] {
  const urls = [facts.databaseUrl, facts.studioDatabaseUrl, database.superuserUrl];
  const credentials = Object.values(facts.serverSecrets)
    .flatMap((environment) => Object.values(environment))
    .filter((value) => value.includes("LAB_SECRET"));
  const plain = [...urls.map((url) => new URL(url).password), ...credentials];
  const encoded = [...urls, ...credentials].map((text) => Buffer.from(text).toString("base64"));
  return ["LAB_SECRET", ...plain, ...encoded];
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((file) => statSync(file).isFile());
}
