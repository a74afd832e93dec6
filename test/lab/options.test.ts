import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { labServers } from "../../lab/config";
import { paths } from "../../lab/paths";
import type { Lab } from "../../lab/session";
import { failureOf } from "../support/engine";
import { everything, studioPods, untouchedInstallation } from "../support/lab";

const policyPacks = [join(paths.projectDir, "policy")];
/** Nothing listens there. */
const noDatabase = "postgresql://nobody:nothing@127.0.0.1:1/none";
const studio =
  "urn:pulumi:lab::mcp-fleet::mcp-fleet:studio:Studio$kubernetes:apps/v1:Deployment::**";

/* Options of a run before any row is moved. Nothing here changes the lab; the hook after each test verifies that. */
describe("the options of a run on the engine", function () {
  this.timeout(10 * 60_000);
  let lab: Lab;
  let rows: string;
  let pods: readonly string[];

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await untouchedInstallation();
    rows = await everything(lab);
    pods = await studioPods(lab);
    // Stores the cutover's configuration in the stack's file, for the commands below.
    await lab.preview("in-cluster");
  });

  afterEach("rows and Studio are untouched", async () => {
    assert.equal(await everything(lab), rows);
    assert.deepEqual(await studioPods(lab), pods);
  });

  const options = { target: [studio], exclude: [studio], continueOnError: true };
  const flags = {
    target: "--target",
    exclude: "--exclude",
    continueOnError: "--continue-on-error",
  };
  for (const [name, value] of Object.entries(options)) {
    const flag = flags[name as keyof typeof flags];
    it(`${flag} is refused`, async () => {
      const stack = await lab.stack.automation();
      const runs = [
        // A preview has no --continue-on-error.
        ...(name === "continueOnError" ? [] : [() => stack.preview({ [name]: value })]),
        () => stack.up({ [name]: value }),
      ];
      for (const run of runs) {
        const said = await failureOf(run());
        assert.match(said, new RegExp(`${flag} is not for a stack with a cutover`));
        assert.doesNotMatch(said, /\.js:\d+/);
      }
    });
  }

  it("a policy pack lets the stack as it is pass", async () => {
    const { stdout } = await (await lab.stack.automation()).preview({ policyPacks });
    assert.match(stdout, /mcp-fleet.*\(local: /);
    assert.doesNotMatch(stdout, /\[mandatory\]/);
  });

  it("a policy pack stops a credential in clear before anything is made", async () => {
    const { facts } = lab;
    const servers = labServers(facts.images);
    const github = { ...servers.github, env: { SOME_TOKEN: "abc" } };
    await lab.preview("in-cluster", { servers: { ...servers, github } });
    const said = await failureOf((await lab.stack.automation()).up({ policyPacks }));
    assert.match(said, /no-plaintext-secret/);
    assert.match(said, /env SOME_TOKEN of container mcp-server is a credential in clear/);
    await lab.preview("in-cluster");
  });

  it("previews when neither cluster nor database answer, and says that the rows are not known", async () => {
    const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-nowhere-"));
    const kubeconfig = join(directory, "kubeconfig");
    writeFileSync(kubeconfig, unreachableCluster(lab.cluster.context));
    try {
      const stack = await lab.stack.automation();
      const timed = async (): Promise<{ seconds: number; stdout: string; stderr: string }> => {
        const started = performance.now();
        const { stdout, stderr } = await stack.preview();
        return { seconds: (performance.now() - started) / 1000, stdout, stderr };
      };
      const reachable = await timed();
      await lab.preview("in-cluster", { databaseUrl: noDatabase });
      await stack.setConfig("kubernetes:kubeconfig", { value: kubeconfig });
      const { seconds, stdout, stderr } = await timed();
      // Its waits have their own limits, however busy the machine is.
      const limit = reachable.seconds + 10;
      assert.ok(seconds < limit, `took ${seconds} s where ${limit} s are enough`);
      const said = stdout + stderr;
      assert.match(said, /What happens to the rows is not known: The database cannot be reached/);
      assert.match(said, /It was looked for at 127\.0\.0\.1:1\./);
      assert.match(said, /The Kubernetes API at https:\/\/127\.0\.0\.1:1 cannot be reached/);
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
