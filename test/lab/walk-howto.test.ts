import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { withClient } from "../../lab/database/access";
import { databaseServiceObjects } from "../../lab/database/service";
import { ensureImages, exampleImageNames, type ImageName, labImageNames } from "../../lab/images";
import { consoleLog } from "../../lab/log";
import { type Lab, openLab } from "../../lab/session";
import { secretCommands, type Surroundings, surroundings } from "../support/reader";

const noBuilder = "the lab builds these Dockerfiles on base images of its own";
/** What a reader has already done for the first page. */
const done = {
  "npm ci": "done for docs/quickstart.md",
  "make cli": "done for docs/quickstart.md",
};

/**
 * Follows the pages like a reader: each command is typed as written, in a fresh folder with a fresh Pulumi home,
 * and must print what the page shows. Replacements of the pages' placeholders are listed here.
 */
describe("quickstart and how-tos, walked as a reader would", function () {
  this.timeout(20 * 60_000);
  let lab: Lab;
  let here: Surroundings;
  let images: Record<ImageName, string>;

  before(async function () {
    this.timeout(60 * 60_000);
    lab = await openLab({}, consoleLog());
    const wanted = [...labImageNames, ...exampleImageNames];
    images = await ensureImages(lab.cluster, consoleLog(), wanted);
    here = await surroundings(lab, "howto");
  });
  after(async () => {
    await here?.remove();
    for (const name of ["todo-app", "ai-platform"]) {
      await lab?.kube.core.deleteNamespace({ name }).catch(() => undefined);
    }
  });

  const type = (script: string): Promise<void> => here.type(script);

  it("docs/quickstart.md: from nothing, by init, to the cutover and back", async () => {
    await here.reader.walk({
      page: "docs/quickstart.md",
      without: {
        "make up": "the lab runs; lab-stack.test.ts is this command",
        "make rollback": "lab-stack.test.ts is this command",
        "make down": "machine.test.ts is this command",
        "make images": noBuilder,
      },
      instead: [
        // The lab's server has no certificate.
        [
          "'postgresql://mcp_fleet:...@db.example.com:5432/llmctl_studio'",
          `'${here.databaseUrl}?sslmode=disable'`,
        ],
        [
          "'postgresql://studio:...@db.example.com:5432/llmctl_studio'",
          `'${here.studioDatabaseUrl}'`,
        ],
      ],
      before: {
        'databaseUrl "$MCP_FLEET_DATABASE_URL"': async () => {
          here.edit("Pulumi.studio.yaml");
          await type(secretCommands());
        },
      },
    });
    await type(
      "pulumi destroy && pulumi stack rm studio && rm -f Pulumi.studio.yaml && unset MCP_FLEET_DATABASE_URL",
    );
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
        ...here.namespaced,
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
