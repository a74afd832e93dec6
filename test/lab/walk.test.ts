import assert from "node:assert/strict";

import { consoleLog } from "../../lab/log";
import { type Lab, openLab } from "../../lab/session";
import { commit, Proxy } from "../database/row-cutover/proxy";
import { queryAt } from "../support/postgres";
import { killTree } from "../support/processes";
import { secretCommands, type Surroundings, surroundings } from "../support/reader";

const noBuilder = "the lab builds these Dockerfiles on base images of its own";
/** A backup from before the cutover, and a copy for another user. */
const [restored, clone] = ["walk_before", "walk_clone"];

/**
 * Follows the pages like a reader: each command is typed as written, in a fresh folder with a fresh Pulumi home,
 * and must print what the page shows. Replacements of the pages' placeholders are listed here.
 */
describe("README and the runbooks, walked as a reader would", function () {
  this.timeout(20 * 60_000);
  let lab: Lab;
  let here: Surroundings;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await openLab({}, consoleLog());
    here = await surroundings(lab, "walk");
    await here.database.copyTo(restored);
  });
  after(() => here?.remove());

  const type = (script: string): Promise<void> => here.type(script);
  const setDatabase = (url: string): string => `pulumi config set --secret databaseUrl '${url}'`;

  it("README.md: a stack, the cutover, back, day two", async () => {
    await here.reader.walk({
      page: "README.md",
      without: {
        "make up": "the lab runs; lab-stack.test.ts is this command",
        "make rollback": "lab-stack.test.ts is this command",
        "make images": noBuilder,
      },
      instead: [
        ["'postgresql://mcp_fleet:...@db.example.com:5432/llmctl_studio'", `'${here.databaseUrl}'`],
        [
          "'postgresql://studio:...@db.example.com:5432/llmctl_studio'",
          `'${here.studioDatabaseUrl}'`,
        ],
        ...here.namespaced,
      ],
      before: {
        "pulumi config set --secret databaseUrl": async () => {
          here.edit("Pulumi.prod.yaml");
          await type(secretCommands("GITHUB_PERSONAL_ACCESS_TOKEN"));
        },
        "mcp-fleet list": () => type("pulumi config set target in-cluster && pulumi up"),
      },
    });
  });

  it("docs/runbooks/failed-probe.md", async () => {
    await here.reader.walk({
      page: "docs/runbooks/failed-probe.md",
      instead: here.namespaced,
      before: {
        "pulumi up": () =>
          type(
            "pulumi config set --path 'servers.github.requiredTools[0]' create_pull_request && pulumi config set target embedded && pulumi up && pulumi config set target in-cluster",
          ),
      },
      refused: ["pulumi up"],
    });
    await type("pulumi config rm --path servers.github.requiredTools && pulumi up");
  });

  it("docs/runbooks/conflict-on-rollback.md", async () => {
    await here.reader.walk({
      page: "docs/runbooks/conflict-on-rollback.md",
      instead: here.namespaced,
      before: {
        "pulumi up#1": async () => {
          const gateway = {
            url: "https://gateway.example/github/mcp",
            transport: "streamable-http",
          };
          await queryAt(
            here.adminUrl,
            "update mcp_servers set config_json = $1 where server_key = 'github'",
            [JSON.stringify(gateway)],
          );
          await type("pulumi config set target embedded");
        },
      },
      refused: ["pulumi up#1"],
    });
  });

  it("docs/runbooks/crashed-run.md", async () => {
    await here.reader.walk({
      page: "docs/runbooks/crashed-run.md",
      before: {
        "pulumi up#1": async () => {
          await type("pulumi config set target in-cluster");
          await killedAfterCommit();
        },
      },
      refused: ["pulumi up#1"],
    });
  });

  /** An update that is killed after its transaction is committed, before it learns of it. */
  async function killedAfterCommit(): Promise<void> {
    const proxy = await Proxy.open(here.databaseUrl);
    proxy.hold = { ...commit, when: "after" };
    await type(setDatabase(proxy.db.connectionString));
    const running = here.reader.start("pulumi up");
    await Promise.race([
      proxy.held,
      running.then(({ all }) => assert.fail(`the update ended by itself: ${all}`)),
    ]);
    killTree(running.pid ?? 0);
    await running;
    await proxy.close();
    await type(setDatabase(here.databaseUrl));
  }

  it("docs/howto/operate.md: removes a server", async () => {
    await here.reader.walk({ page: "docs/howto/operate.md" });
    const { items } = await lab.kube.apps.listNamespacedDeployment({ namespace: here.namespace });
    const names = items.map(({ metadata }) => metadata?.name ?? "");
    assert.ok(!names.includes("llmctl-mcp-chroma"), names.join(", "));
    assert.ok(names.includes("llmctl-mcp-github"), names.join(", "));
    const [moved] = await queryAt<{ config_json: string }>(
      here.adminUrl,
      "select config_json::text from mcp_servers where server_key = 'github'",
    );
    assert.match(moved?.config_json ?? "", /streamable-http/);
  });

  it("docs/runbooks/lost-database.md, and README's stack is away again", async () => {
    const { database } = here;
    let back: () => Promise<void>;
    await here.reader.walk({
      page: "docs/runbooks/lost-database.md",
      before: {
        "pulumi up#1": async () => {
          back = await database.away();
          await type("pulumi config set target embedded");
        },
        "pulumi refresh#2": async () => {
          await back();
          await database.restoreFrom(restored);
          await type("pulumi config set target in-cluster");
        },
        "pulumi up#3": async () => {
          await database.copyTo(clone);
          await type(setDatabase(here.databaseUrl.replace(/walk$/, clone)));
        },
        "update mcp_cutover.run": () => type(`export PGDATABASE=${clone}`),
        "pulumi destroy": async () => {
          await type("pulumi up && export PGDATABASE=walk");
          await database.remove();
        },
      },
      instead: [
        ["llmctl_studio_clone", clone],
        ["database llmctl_studio ", "database walk "],
      ],
      refused: ["pulumi up#1", "pulumi refresh#1", "pulumi up#3"],
    });
    await type("pulumi stack rm prod && git checkout -- .");
    assert.equal(await here.reader.changes(), "");
  });
});
