import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { withClient } from "../../lab/database/access";
import { databaseServiceObjects } from "../../lab/database/service";
import { ensureImages, exampleImageNames, type ImageName, labImageNames } from "../../lab/images";
import { consoleLog } from "../../lab/log";
import { type Lab, openLab } from "../../lab/session";
import { queryAt } from "../support/postgres";
import { secretCommands, type Surroundings, surroundings } from "../support/reader";

const noBuilder = "the lab builds images in another way";
/** What a reader has done for the first page already. */
const done = {
  "npm ci": "done for README.md",
  "make cli": "done for README.md",
};

/**
 * The pages as a reader has them: each command is typed as it stands, in a fresh folder with a fresh Pulumi home, and
 * what a page shows as output has to come. What stands in the place of a page's placeholders is said here.
 */
describe("the pages, walked as a reader would", function () {
  this.timeout(20 * 60_000);
  let lab: Lab;
  let here: Surroundings;
  let images: Record<ImageName, string>;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await openLab({}, consoleLog());
    const wanted = [...labImageNames, ...exampleImageNames];
    images = await ensureImages(lab.cluster, consoleLog(), wanted);
    here = await surroundings(lab);
  });
  after(async () => {
    await here?.remove();
    for (const name of ["todo-app", "ai-platform"]) {
      await lab?.kube.core.deleteNamespace({ name }).catch(() => undefined);
    }
  });

  const type = async (script: string): Promise<void> => {
    const { exitCode, output } = await here.reader.type(script);
    assert.equal(exitCode, 0, `${script}\n${output}`);
  };
  const namespaced = (): [string, string][] => [
    ["llmctl.svc", `${here.namespace}.svc`],
    ["-n llmctl ", `-n ${here.namespace} `],
  ];

  it("README.md: a stack, the cutover, back, day two", async () => {
    await here.reader.walk({
      page: "README.md",
      without: {
        "make up": "the lab runs; lab-stack.test.ts is this command",
        "make test": "it runs this test",
        "make images": noBuilder,
      },
      instead: [
        ["'postgresql://mcp_fleet:...@db.example.com:5432/llmctl_studio'", `'${here.databaseUrl}'`],
        [
          "'postgresql://studio:...@db.example.com:5432/llmctl_studio'",
          `'${here.studioDatabaseUrl}'`,
        ],
        ...namespaced(),
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
      instead: namespaced(),
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
      instead: namespaced(),
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

  it("takes README's stack away again", async () => {
    await type("pulumi destroy && pulumi stack rm prod && git checkout -- .");
    assert.equal(await here.reader.changes(), "");
  });

  it("docs/howto/todo.md", async () => {
    const namespace = "todo-app";
    const file = "Pulumi.todo-dev.yaml";
    await here.reader.walk({
      page: "docs/howto/todo.md",
      without: { ...done, "docker build": noBuilder, "docker push": noBuilder },
      instead: [["POSTGRES_PASSWORD=...", "POSTGRES_PASSWORD=walk"]],
      before: {
        "kubectl -n todo-app create secret": async () => {
          await withClient(lab.database.superuserUrl, async (db) => {
            await db.query("drop database if exists todo_db with (force)");
            await db.query("drop role if exists todo");
            await db.query("create role todo login password 'walk'");
            await db.query("create database todo_db owner todo");
          });
          const address = {
            address: lab.cluster.nodeIp,
            port: Number(new URL(lab.database.url).port),
          };
          await lab.kube.apply(databaseServiceObjects({ name: "postgres", namespace, ...address }));
        },
        "pulumi preview": () =>
          here.rewrite(file, (config) => {
            const { todo } = config["mcp-fleet:servers"] as { todo: object };
            const egress = { profile: "cluster", to: [{ cidr: `${lab.cluster.nodeIp}/32` }] };
            return {
              ...config,
              "kubernetes:context": lab.cluster.context,
              "mcp-fleet:servers": { todo: { ...todo, image: images.todo, egress } },
            };
          }),
        "kubectl apply -f ask.yaml": () => {
          const page = readFileSync(join(here.reader.directory, "docs/howto/todo.md"), "utf8");
          const [, pod = ""] = /```yaml\n(# ask\.yaml\n[^]*?)```/.exec(page) ?? [];
          const file = join(here.reader.directory, "ask.yaml");
          writeFileSync(file, pod.replace(/image: .*/, `image: ${images.probe}`));
        },
      },
    });
    assert.equal(await here.reader.changes(), "");
  });

  it("docs/howto/ai-platform.md", async () => {
    const nodes = [`${lab.cluster.nodeIp}/32`];
    await here.reader.walk({
      page: "docs/howto/ai-platform.md",
      without: {
        ...done,
        "docker build": noBuilder,
        "docker push": noBuilder,
        "mcp-fleet stray":
          "what it finds depends on what else the lab runs; examples.test.ts asks it",
      },
      before: {
        "pulumi preview": () =>
          here.rewrite("Pulumi.agentic.yaml", (config) => {
            const { clock } = config["mcp-fleet:servers"] as { clock: object };
            const { allowed, manager } = {
              allowed: config["mcp-fleet:allowed"] as object,
              manager: config["mcp-fleet:manager"] as { clients: unknown },
            };
            return {
              ...config,
              "kubernetes:context": lab.cluster.context,
              "mcp-fleet:allowed": { ...allowed, clusters: nodes },
              "mcp-fleet:servers": { clock: { ...clock, image: images.fastmcp } },
              "mcp-fleet:manager": {
                enabled: true,
                image: images["mcp-fleet"],
                clients: manager.clients,
              },
            };
          }),
      },
    });
    assert.equal(await here.reader.changes(), "");
  });

  it("docs/howto/studio.md", async () => {
    await here.reader.walk({
      page: "docs/howto/studio.md",
      without: done,
      instead: [
        ["databaseUrl postgresql://...", `databaseUrl '${here.databaseUrl}'`],
        ["DATABASE_URL postgresql://...", `DATABASE_URL '${here.studioDatabaseUrl}'`],
        ...namespaced(),
      ],
      before: {
        "pulumi config set target embedded#1": async () => {
          here.edit("Pulumi.studio.yaml");
          await type(secretCommands());
        },
      },
    });
    assert.equal(await here.reader.changes(), "");
  });
});
