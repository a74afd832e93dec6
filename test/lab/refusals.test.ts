import assert from "node:assert/strict";

import { labNamespace } from "../../lab/companions";
import { type ConfigOverrides, labServers } from "../../lab/config";
import { withClient } from "../../lab/database/access";
import { secretMark } from "../../lab/database/schema";
import type { Lab } from "../../lab/session";
import {
  everything,
  refusal,
  studioConnected,
  studioPods,
  untouchedInstallation,
} from "../support/lab";

/** What must not change in a refused run. */
interface Untouched {
  readonly rows: string;
  readonly pods: readonly string[];
}

async function look(lab: Lab): Promise<Untouched> {
  return { rows: await everything(lab), pods: await studioPods(lab) };
}

describe("a server that does not serve", function () {
  this.timeout(6 * 60_000);
  let lab: Lab;
  let before_: Untouched;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await untouchedInstallation();
    before_ = await look(lab);
  });

  afterEach("rows and Studio are untouched", async () => {
    assert.deepEqual(await look(lab), before_);
    const view = await studioConnected(lab, "embedded");
    assert.deepEqual([...new Set(view.servers.map((server) => server.transport))], ["stdio"]);
  });

  /** The five servers with one of them changed. */
  const withServer = (key: string, change: object): ConfigOverrides => {
    const servers = labServers(lab.facts.images);
    return { servers: { ...servers, [key]: { ...servers[key], ...change } } };
  };

  it("because it never becomes Ready: the run names it and why (S20)", async () => {
    const said = await refusal(
      lab.up(
        "in-cluster",
        withServer("github", {
          source: "image",
          command: ["node", "-e", "console.error('the license file is missing'); process.exit(3)"],
          args: [],
          rolloutSeconds: 20,
        }),
      ),
    );
    assert.match(said, /llmctl-mcp-github/);
    assert.match(said, /license file is missing|exit code 3|CrashLoopBackOff/);
  });

  it("because its image cannot be had", async () => {
    const said = await refusal(
      lab.up(
        "in-cluster",
        withServer("github", { image: "mcp-fleet.local/nowhere:1", rolloutSeconds: 20 }),
      ),
    );
    assert.match(said, /llmctl-mcp-github/);
    assert.match(said, /ImagePull|ErrImage|mcp-fleet\.local\/nowhere/);
  });

  it("because it is Ready and answers no MCP (S20, S22)", async () => {
    const said = await refusal(
      lab.up(
        "in-cluster",
        withServer("github", {
          image: lab.facts.images["chroma-server"],
          source: "image",
          command: ["chroma", "run", "--host", "0.0.0.0", "--port", "8000", "--path", "/tmp/data"],
          args: [],
          health: "/api/v2/heartbeat",
        }),
      ),
    );
    assert.match(said, /github/);
    assert.match(said, /404|MCP/);
    const ready = await lab.kube.apps.readNamespacedDeployment({
      name: "llmctl-mcp-github",
      namespace: labNamespace,
    });
    assert.equal(ready.status?.readyReplicas, 1);
  });

  it("because it wants credentials from every client", async () => {
    const said = await refusal(
      lab.up(
        "in-cluster",
        withServer("github", {
          source: "image",
          command: ["github-mcp-server", "http", "--port", "8000"],
          args: [],
          health: "/.well-known/oauth-protected-resource",
        }),
      ),
    );
    assert.match(said, /github/);
    assert.match(said, /401/);
    assert.match(said, /per-request/);
  });

  it("because its credentials would be lost: the key is named, the value is not", async () => {
    const { github: _left, ...rest } = lab.facts.serverSecrets;
    const said = await refusal(lab.up("in-cluster", { serverSecrets: rest }));
    assert.match(said, /GITHUB_PERSONAL_ACCESS_TOKEN/);
    assert.doesNotMatch(said, new RegExp(secretMark));
  });
});

describe("configuration that cannot be right", function () {
  this.timeout(3 * 60_000);
  let lab: Lab;
  let before_: Untouched;
  let deployments: string;

  const deploymentNames = async (): Promise<string> => {
    const found = await lab.kube.apps.listNamespacedDeployment({ namespace: labNamespace });
    return found.items
      .map((item) => `${item.metadata?.name} ${item.metadata?.generation}`)
      .sort()
      .join("\n");
  };

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await untouchedInstallation();
    before_ = await look(lab);
    deployments = await deploymentNames();
  });

  afterEach("nothing was made or changed", async () => {
    assert.deepEqual(await look(lab), before_);
    assert.equal(await deploymentNames(), deployments);
  });

  const cases: readonly [string, (lab: Lab) => ConfigOverrides, RegExp][] = [
    ["an unknown key", () => ({ severs: {} }), /severs[\s\S]*servers/],
    ["an unknown server", () => ({ servers: { gihub: { image: "x:1" } } }), /gihub[\s\S]*"github"/],
    [
      "a path without a slash",
      (at) => ({ servers: { github: { image: at.facts.images.github, path: "mcp" } } }),
      /servers\.github\.path/,
    ],
    [
      "a DSN that is none",
      () => ({ databaseUrl: "localhost:5432/llmctl" }),
      /databaseUrl[\s\S]*postgresql:\/\//,
    ],
    [
      "a command for a server behind a bridge",
      (at) => ({ servers: { github: { image: at.facts.images.github, command: ["sh"] } } }),
      /servers\.github\.command[\s\S]*stdio/,
    ],
    ["no DSN", () => ({ databaseUrl: undefined }), /databaseUrl/],
    [
      "a namespace that is not allowed",
      () => ({ namespace: "kube-system" }),
      /kube-system[\s\S]*allowed/,
    ],
  ];
  for (const [name, overrides, expected] of cases) {
    it(`${name} is refused in two sentences, and nothing is made`, async () => {
      const said = await refusal(lab.up("in-cluster", overrides(lab)));
      assert.match(said, expected);
      assert.doesNotMatch(said, /\n\s+at |node_modules/);
      assert.doesNotMatch(said, new RegExp(secretMark));
    });
  }
});

describe("what cannot be reached", function () {
  this.timeout(4 * 60_000);
  let lab: Lab;
  let before_: Untouched;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await untouchedInstallation();
    before_ = await look(lab);
  });

  afterEach("rows and Studio are untouched", async () => {
    assert.deepEqual(await look(lab), before_);
  });

  it("is named when it is the database (S7)", async () => {
    const url = new URL(lab.facts.databaseUrl);
    url.port = "1";
    const said = await refusal(lab.up("in-cluster", { databaseUrl: url.href }));
    assert.match(said, /database/i);
    assert.match(said, /ECONNREFUSED|refused|reached/i);
    assert.doesNotMatch(said, new RegExp(url.password));
  });

  it("is named when an integrated row has no server", async () => {
    const { chroma: _server, ...servers } = labServers(lab.facts.images);
    const { chroma: _secret, ...serverSecrets } = lab.facts.serverSecrets;
    const said = await refusal(lab.up("in-cluster", { servers, serverSecrets }));
    assert.match(said, /chroma[\s\S]*deferred/);
  });
});

async function newestRun(lab: Lab): Promise<unknown> {
  const found = await withClient(lab.database.cutoverUrl, (db) =>
    db.query(
      `select generation, target, fenced, settled_at is not null as settled
         from mcp_cutover.run order by generation desc limit 1`,
    ),
  );
  return found.rows[0];
}

describe("a rollout that fails after the rows (S23)", function () {
  this.timeout(6 * 60_000);
  let lab: Lab;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await untouchedInstallation();
  });

  it("leaves the rows moved and fenced, and one rollback brings rows and application back", async () => {
    const before_ = await everything(lab);
    const images = {
      embedded: lab.facts.images["studio-embedded"],
      "in-cluster": "mcp-fleet.local/nowhere:1",
    };
    const said = await refusal(lab.up("in-cluster", { studio: { images, rolloutSeconds: 15 } }));
    assert.match(said, /llmctl-studio/);
    assert.match(said, /ImagePull|ErrImage|mcp-fleet\.local\/nowhere/);
    assert.deepEqual(await newestRun(lab), {
      generation: 1,
      target: "in-cluster",
      fenced: true,
      settled: false,
    });
    // The old pod still serves, and cannot write its rows back.
    await studioConnected(lab, "embedded");
    const moved = (await lab.rows()).filter(({ transport }) => transport === "streamable-http");
    assert.equal(moved.length, 5);

    await lab.up("embedded");
    assert.equal(await everything(lab), before_);
    await studioConnected(lab, "embedded");
    assert.deepEqual(await newestRun(lab), {
      generation: 2,
      target: "embedded",
      fenced: true,
      settled: true,
    });
  });
});
