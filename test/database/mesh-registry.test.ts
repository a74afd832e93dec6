import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import type { Found, ResourceType } from "../../lab/engine/providers/resource-type";
import type { JsonObject } from "../../lab/engine/providers/values";
import { registryProgram, type RunningRegistry, startRegistry } from "../support/mesh-registry";
import { revealed } from "../support/outputs";
import { queryAt, stopTestServer, type TestDatabase, testDatabase } from "../support/postgres";
import { postgresqlPlugin } from "../support/postgresql-plugin";
import { runProgram } from "../support/resources";

const suffix = randomBytes(4).toString("hex");
const [database, role, admin] = [`mesh_${suffix}`, `registry_${suffix}`, `admin_${suffix}`];

/**
 * What the program declares for a registry's database, created in a real PostgreSQL by a login that is not a
 * superuser. The inputs are the program's; the SQL is that of the lab's own postgresql plugin.
 */
describe("the registry's database, with the lab's own plugin", function () {
  this.timeout(120_000);
  const made: { readonly type: ResourceType; readonly found: Found }[] = [];
  let server: TestDatabase;
  let url: string;

  before(async () => {
    server = await testDatabase();
    await server.query(`create role ${admin} login createrole createdb password 'admin'`);
    const { recorder } = await runProgram({
      plain: {
        ...{ namespace: "mcp-mesh", application: "mcp-mesh" },
        ...{ cutover: { enabled: false }, studio: { enabled: false } },
        mesh: {
          registry: {
            image: "mcpmesh/registry:3.6.0",
            storage: { managed: { database, role, tls: "disable" } },
          },
        },
      },
      secret: { meshDatabaseUrl: server.urlFor(admin, "admin") },
    });
    const types = postgresqlPlugin(server.urlFor(admin, "admin"));
    for (const { type, inputs } of recorder.resources) {
      if (!type.startsWith("postgresql:")) continue;
      const known = types[type.split(":").at(-1) ?? ""];
      assert.ok(known !== undefined, type);
      made.push({ type: known, found: await known.create(revealed(inputs) as JsonObject) });
    }
    const login = recorder.one("kubernetes:core/v1:Secret", "mcp-registry-database-login").inputs;
    const { stringData } = revealed(login) as { stringData: Record<string, string> };
    url = stringData.DATABASE_URL ?? "";
  });

  after(async () => {
    await server.query(`drop database if exists ${database} with (force)`);
    await server.query(`drop role if exists ${role}`);
    await server.drop();
    await server.query(`drop role if exists ${admin}`).catch(() => undefined);
    await stopTestServer();
  });

  it("lets the role make tables there and nothing beside them, and nobody else in", async () => {
    await queryAt(url, "create table of_the_registry (id int)");
    await queryAt(url, "drop table of_the_registry");
    for (const sql of ["create schema other", "create temporary table t (id int)"]) {
      await assert.rejects(queryAt(url, sql), /permission denied/, sql);
    }
    await assert.rejects(
      queryAt(url, "create database more"),
      /permission denied to create database/,
    );
    await assert.rejects(queryAt(url, "create role more"), /permission denied to create role/);
    const other = new URL(server.urlFor(admin, "admin"));
    await queryAt(other.href, `create role stranger_${suffix} login password 'stranger'`);
    try {
      const stranger = new URL(url);
      [stranger.username, stranger.password] = [`stranger_${suffix}`, "stranger"];
      await assert.rejects(queryAt(stranger.href, "select 1"), /permission denied for database/);
    } finally {
      await queryAt(other.href, `drop role stranger_${suffix}`);
    }
  });

  it("is enough for the publisher's registry, which keeps its agents there", async function () {
    const found = await registryProgram();
    if (typeof found === "string") {
      process.stdout.write(`    skipped: ${found}\n`);
      this.skip();
    }
    const known = async ({ url: at }: RunningRegistry): Promise<string[]> => {
      const answer = await fetch(`${at}/agents`);
      const { agents } = (await answer.json()) as { agents: { id: string }[] | null };
      return (agents ?? []).map(({ id }) => id);
    };
    const first = await startRegistry(found, url);
    try {
      const body = JSON.stringify({
        ...{ agent_id: "greeter-1", agent_type: "mcp_agent", name: "greeter", version: "1.0.0" },
        ...{ http_host: "127.0.0.1", http_port: 9, tools: [] },
      });
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${first.url}/heartbeat`, { method: "POST", headers, body });
      assert.ok(answer.ok, await answer.text());
      assert.deepEqual(await known(first), ["greeter-1"]);
    } finally {
      await first.stop();
    }
    const second = await startRegistry(found, url);
    try {
      assert.deepEqual(await known(second), ["greeter-1"]);
    } finally {
      await second.stop();
    }
    const owners = await queryAt(
      url,
      "select distinct tableowner from pg_tables where schemaname = 'public'",
    );
    assert.deepEqual(owners, [{ tableowner: role }]);
  });

  it("goes in the other order, the role last", async () => {
    for (const { type, found } of [...made].reverse()) await type.remove(found);
    const left = await server.query(
      `select rolname from pg_roles where rolname = '${role}' union all
       select datname from pg_database where datname = '${database}'`,
    );
    assert.deepEqual(left, []);
  });
});
