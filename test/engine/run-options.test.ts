import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { labServers } from "../../lab/config";
import { chooseEngine } from "../../lab/engine";
import { paths } from "../../lab/paths";
import type { Lab } from "../../lab/session";
import { pulumi, pulumiDone, temporaryHome } from "../support/engine";
import { everything, installationBefore, studioPods } from "../support/lab";

const update = ["up", "--yes", "--skip-preview"];
/** Nobody listens there. */
const noDatabase = "postgresql://nobody:nothing@127.0.0.1:1/none";
const studio =
  "urn:pulumi:lab::mcp-fleet::mcp-fleet:studio:Studio$kubernetes:apps/v1:Deployment::**";

/* What a run may be told, before any row is moved. Nothing here changes the lab, which the hook after each test looks at. */
describe("the options of a run under the Pulumi CLI", function () {
  this.timeout(10 * 60_000);
  let lab: Lab;
  let rows: string;
  let pods: readonly string[];
  let removeHome: () => void = () => undefined;

  before(async function () {
    this.timeout(60 * 60_000);
    removeHome = temporaryHome();
    const engine = await chooseEngine(paths.projectDir);
    if (engine.reason !== undefined) {
      process.stdout.write(`  engine tests skipped: ${engine.reason}\n`);
      this.skip();
    }
    process.stdout.write(`  ${engine.name}\n`);
    lab = await installationBefore("jsonb");
    rows = await everything(lab);
    pods = await studioPods(lab);
    // Leaves the configuration of the cutover in the stack's file, for the commands below.
    await lab.preview("in-cluster");
  });

  after(() => removeHome());

  afterEach("rows and Studio are untouched", async () => {
    assert.equal(await everything(lab), rows);
    assert.deepEqual(await studioPods(lab), pods);
  });

  const options = [["--target", studio], ["--exclude", studio], ["--continue-on-error"]];
  for (const option of options) {
    it(`${option[0]} is refused`, async () => {
      // A preview knows no --continue-on-error.
      const commands = option.length === 1 ? [update] : [["preview"], update];
      for (const command of commands) {
        const { exitCode, said } = await pulumi([...command, ...option]);
        assert.notEqual(exitCode, 0);
        assert.match(said, new RegExp(`${option[0]} is not for a stack with a cutover`));
        assert.doesNotMatch(said, /\.js:\d+/);
      }
    });
  }

  it("a policy pack lets the stack as it is pass", async () => {
    const said = await pulumiDone(["preview", "--policy-pack", join(paths.projectDir, "policy")]);
    assert.match(said, /mcp-fleet.*\(local: /);
    assert.doesNotMatch(said, /\[mandatory\]/);
  });

  it("a policy pack stops a credential in clear before anything is made", async () => {
    const { facts } = lab;
    const servers = labServers(facts.images);
    const github = { ...servers.github, env: { SOME_TOKEN: "abc" } };
    await lab.preview("in-cluster", { servers: { ...servers, github } });
    const pack = ["--policy-pack", join(paths.projectDir, "policy")];
    const { exitCode, said } = await pulumi(["up", "--yes", ...pack]);
    assert.notEqual(exitCode, 0);
    assert.match(said, /no-plaintext-secret/);
    assert.match(said, /env SOME_TOKEN of container mcp-server is a credential in clear/);
    await lab.preview("in-cluster");
  });

  it("previews when neither cluster nor database answer, and says that the rows are not known", async () => {
    const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-nowhere-"));
    const kubeconfig = join(directory, "kubeconfig");
    writeFileSync(kubeconfig, unreachableCluster(lab.cluster.context));
    try {
      await lab.preview("in-cluster", { databaseUrl: noDatabase });
      await pulumiDone(["config", "set", "kubernetes:kubeconfig", kubeconfig]);
      const started = Date.now();
      const { exitCode, said } = await pulumi(["preview"]);
      const seconds = (Date.now() - started) / 1000;
      process.stdout.write(`    took ${seconds.toFixed(1)} s\n`);
      assert.equal(exitCode, 0, said);
      assert.match(said, /What happens to the rows is not known: The database cannot be reached/);
      assert.match(said, /It was looked for at 127\.0\.0\.1:1\./);
      assert.match(said, /The Kubernetes API at https:\/\/127\.0\.0\.1:1 cannot be reached/);
      assert.ok(seconds < 10, `took ${seconds} s`);
      assert.match(said, /kubernetes:apps\/v1:Deployment\s+llmctl-mcp-github\s+create/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
      await lab.preview("in-cluster");
    }
  });
});

function unreachableCluster(context: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "nowhere", cluster: { server: "https://127.0.0.1:1" } }],
    users: [{ name: "nobody", user: {} }],
    contexts: [{ name: context, context: { cluster: "nowhere", user: "nobody" } }],
    "current-context": context,
  });
}
