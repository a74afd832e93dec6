import assert from "node:assert/strict";

import type { Change } from "@mcp-fleet/engine";

import { labNamespace } from "../../lab/companions";
import { type ConfigOverrides, labServers } from "../../lab/config";
import { rowsSnapshot } from "../../lab/database/snapshot";
import type { Lab } from "../../lab/session";
import {
  everything,
  installationBefore,
  lastingPods,
  refusal,
  removeInstallation,
  studioConnected,
  studioPods,
} from "../support/lab";
import { secondTag } from "../support/second-tag";

/** A server of the stack is broken, corrected, updated and removed; at the end the stack is destroyed. */
describe("the servers of a stack on the engine", function () {
  this.timeout(10 * 60_000);
  let lab: Lab;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await installationBefore("jsonb");
  });
  // At the end Chroma's row has no earlier form.
  after(removeInstallation);

  /** The five servers with one of them changed. */
  const withServer = (key: string, change: object): ConfigOverrides => {
    const servers = labServers(lab.facts.images);
    return { servers: { ...servers, [key]: { ...servers[key], ...change } } };
  };
  /** The same without chroma, whose row must not change. */
  const withoutChroma = (): ConfigOverrides => {
    const { chroma: _removed, ...servers } = labServers(lab.facts.images);
    return { servers, deferred: ["google-workspace", "chroma"] };
  };

  it("one that never gets ready stops the run before the rows, and the others stay (S20)", async () => {
    const rows = await everything(lab);
    const studio = await studioPods(lab);
    const command = ["node", "-e", "console.error('the license file is missing'); process.exit(3)"];
    const broken = { source: "image", command, args: [], rolloutSeconds: 20 };
    const said = await refusal(lab.up("in-cluster", withServer("github", broken)));
    assert.match(said, /llmctl-mcp-github/);
    assert.equal(await everything(lab), rows);
    assert.deepEqual(await studioPods(lab), studio);
    assert.deepEqual(await readyServers(lab), [
      "llmctl-mcp",
      "llmctl-mcp-atlassian",
      "llmctl-mcp-chroma",
      "llmctl-mcp-google-cloud",
    ]);
  });

  it("mended, the same run goes on: the rows move and the other servers keep their pods", async () => {
    const before = await lastingPods(lab);
    const { changes, outputs } = await lab.up("in-cluster");
    assert.equal(outputs.generation, 1);
    const servers = deployments(changes).filter(([name]) => name !== "llmctl-studio");
    const touched = servers.filter(([, op]) => op !== "same").map(([name]) => name);
    assert.deepEqual(touched, ["llmctl-mcp-github"]);
    await studioConnected(lab, "in-cluster");
    const after = await lastingPods(lab);
    const gone = [...before].filter((pod) => !after.has(pod));
    assert.ok(
      gone.every((pod) => /^llmctl-(mcp-github|studio)-/.test(pod)),
      gone.join("\n"),
    );
  });

  it("another image of one rolls that one alone, and no row changes", async function () {
    const image = await secondTag(lab.cluster, lab.facts.images.github ?? "");
    if (image === undefined) {
      process.stdout.write("    skipped: an image cannot be tagged in a cluster of others\n");
      this.skip();
    }
    const rows = await everything(lab);
    const before = await lastingPods(lab);
    const { changes, outputs } = await lab.up("in-cluster", withServer("github", { image }));
    // All of its objects have the version as a label.
    const touched = changes.filter(({ op }) => op !== "same");
    assert.deepEqual(
      [...new Set(touched.map(({ urn, op }) => `${op} ${nameOf(urn)}`))],
      ["update llmctl-mcp-github"],
    );
    assert.equal(outputs.generation, 1);
    assert.equal(await everything(lab), rows);
    const after = await lastingPods(lab);
    const gone = [...before].filter((pod) => !after.has(pod));
    assert.ok(gone.length > 0 && gone.every((pod) => pod.startsWith("llmctl-mcp-github-")));
  });

  it("an update that the engine calls complete at once is waited for, though no row changes", async () => {
    const rows = await everything(lab);
    const broken = {
      source: "image",
      command: ["node", "-e", "console.error('the license file is missing'); process.exit(3)"],
      args: [],
      rolloutSeconds: 20,
      // The engine's plugin does this by itself occasionally; with this it always does.
      transform: { deployment: { metadata: { annotations: { "pulumi.com/skipAwait": "true" } } } },
    };
    const said = await refusal(lab.up("in-cluster", withServer("github", broken)));
    assert.match(
      said,
      new RegExp(`^MCP servers [^\\n]*Deployment ${labNamespace}/llmctl-mcp-github: `),
    );
    assert.match(said, /rows and application are untouched/);
    assert.equal(await everything(lab), rows);
    // The old pod continues to serve.
    assert.ok((await readyServers(lab)).includes("llmctl-mcp-github"));
    await lab.up("in-cluster");
  });

  it("one that a row still points to is not removed (S24)", async () => {
    const rows = await everything(lab);
    const said = await refusal(lab.up("in-cluster", withoutChroma()));
    assert.match(said, /^The row chroma [^\n]* no server is configured for it any more\.\n/);
    assert.equal(await everything(lab), rows);
    assert.ok((await readyServers(lab)).includes("llmctl-mcp-chroma"));
  });

  it("one that is removed goes last, after its row is back and the application with it", async () => {
    const { changes } = await lab.up("embedded", withoutChroma());
    await studioConnected(lab, "embedded");
    assert.match((await documentOf(lab, "chroma")) ?? "", /"command"/);
    const order = changes.filter(({ op }) => op !== "same").map(({ urn }) => nameOf(urn));
    const [rows, studio, settled] = [
      order.indexOf("llmctl-studio-rows"),
      order.indexOf("llmctl-studio"),
      order.indexOf("llmctl-studio-settle"),
    ];
    const removed = changes.flatMap(({ op, urn }, at) => (op === "delete" ? [{ urn, at }] : []));
    assert.deepEqual(
      [...new Set(removed.map(({ urn }) => /llmctl-mcp-[a-z]+/.exec(nameOf(urn))?.[0]))],
      ["llmctl-mcp-chroma"],
    );
    assert.ok(rows >= 0 && rows < studio && studio < settled, order.join(", "));
    assert.ok(order.indexOf(nameOf(removed[0]?.urn ?? "")) > settled, order.join(", "));
    const services = await lab.kube.core.listNamespacedService({ namespace: labNamespace });
    const names = services.items.map(({ metadata }) => metadata?.name);
    assert.ok(!names.includes("llmctl-mcp-chroma") && names.includes("llmctl-mcp-github"));
  });

  // The application decides about chroma's row: the lab's Studio writes all five itself.
  it("goes forward without it: a new generation of the others' rows", async () => {
    const { outputs } = await lab.up("in-cluster", withoutChroma());
    assert.equal(outputs.generation, 3);
    assert.deepEqual(outputs.counts, { rewrite: 4 });
  });

  it("a destroy takes the workloads and keeps the rows, the ledger and the journal (S37)", async () => {
    const rows = await everything(lab);
    const { stdout } = await (await lab.stack.automation()).destroy();
    assert.match(stdout, /the rows, the ledger and the journal stay as they are/);
    assert.equal(await everything(lab), rows);
    assert.deepEqual(await readyServers(lab), []);
    assert.deepEqual(await studioPods(lab), []);
    const services = await lab.kube.core.listNamespacedService({ namespace: labNamespace });
    const left = services.items.map(({ metadata }) => metadata?.name ?? "");
    assert.deepEqual(
      left.filter((name) => name.startsWith("llmctl-mcp") || name === "llmctl-studio"),
      [],
    );
  });
});

const nameOf = (urn: string): string => urn.split("::").at(-1) ?? "";

/** The Deployments of a run with what happened to each. */
function deployments(changes: readonly Change[]): [string, string][] {
  return changes
    .filter(({ type }) => type === "kubernetes:apps/v1:Deployment")
    .map(({ urn, op }) => [nameOf(urn), op]);
}

/** Names of the servers' Deployments with a pod that is ready. */
async function readyServers(lab: Lab): Promise<string[]> {
  const { items } = await lab.kube.apps.listNamespacedDeployment({ namespace: labNamespace });
  return items
    .filter(({ status }) => (status?.readyReplicas ?? 0) > 0)
    .map(({ metadata }) => metadata?.name ?? "")
    .filter((name) => name.startsWith("llmctl-mcp"))
    .sort();
}

async function documentOf(lab: Lab, key: string): Promise<string | undefined> {
  const { servers } = await rowsSnapshot(lab.database.url);
  const config = servers.find((row) => row.server_key === key)?.config_json;
  return typeof config === "string" ? config : JSON.stringify(config);
}
