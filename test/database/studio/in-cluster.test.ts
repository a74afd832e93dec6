import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { withClient } from "../../../lab/database/access";
import { type Database, ensureDatabase, stopDatabase } from "../../../lab/database/index";
import { rowsSnapshot } from "../../../lab/database/snapshot";
import { silentLog } from "../../../lab/log";
import { startHttpServer, StudioProcess } from "./support";

const ports: Record<string, number> = {
  atlassian: 8000,
  chroma: 8000,
  github: 8000,
  "google-cloud": 8000,
  "llmctl-mcp": 9020,
};

function url(key: string): string {
  const service = key === "llmctl-mcp" ? key : `llmctl-mcp-${key}`;
  return `http://${service}.llmctl.svc.cluster.local:${ports[key]}/mcp`;
}

describe("Studio, in-cluster, on a text database of an older install", function () {
  this.timeout(90_000);
  const runDir = mkdtempSync(join(tmpdir(), "studio-db-"));
  let database: Database;
  let http: { origin: string; stop: () => Promise<void> };
  const running: StudioProcess[] = [];

  const startStudio = async (): Promise<StudioProcess> => {
    const studio = await StudioProcess.start({
      STUDIO_MODE: "in-cluster",
      DATABASE_URL: database.url,
      NODE_OPTIONS: `--require ${require.resolve("./cluster-fetch.js")}`,
      TEST_CLUSTER_ORIGIN: http.origin,
    });
    running.push(studio);
    return studio;
  };
  const change = (sql: string): Promise<unknown> => withClient(database.url, (db) => db.query(sql));

  before(async () => {
    database = await ensureDatabase({ schema: "text", atlassianKey: "jira", runDir }, silentLog);
    http = await startHttpServer();
  });
  after(async () => {
    await Promise.all(running.map((studio) => studio.terminate()));
    await http?.stop();
    await stopDatabase({ runDir });
    rmSync(runDir, { recursive: true, force: true });
  });

  it("does not boot while a row is neither JSON nor TOML, and leaves the column as it was", async () => {
    await change(
      `insert into mcp_servers (name, server_key, config_json, server_type, created_at, updated_at)
       values ('Broken', 'broken', 'no = "closing quote', 'custom', now(), now())`,
    );
    const studio = await startStudio();
    assert.deepEqual(await studio.exit(), { code: 1, signal: null });
    assert.match(studio.output, /The row broken of mcp_servers is neither JSON nor TOML/);
    assert.ok(!studio.output.includes("closing quote"));
    assert.equal((await rowsSnapshot(database.url)).columnType, "text");
    await change("delete from mcp_servers where server_key = 'broken'");
  });

  it("converts the column, writes exactly a URL and a transport, and connects to every server", async () => {
    await change(
      `insert into mcp_servers (name, server_key, config_json, server_type, created_at, updated_at)
       values ('Wrapped', 'wrapped', '{"mcp_servers":{"wrapped":{"command":"x","n":12345678901234567890}}}', 'custom', now(), now())`,
    );
    const before = await rowsSnapshot(database.url);
    const studio = await startStudio();
    await studio.untilReady();

    const after = await rowsSnapshot(database.url);
    assert.equal(before.columnType, "text");
    assert.equal(after.columnType, "jsonb");
    assert.deepEqual(after.associations, before.associations);
    const documents = Object.fromEntries(
      after.servers.map((row) => [row.server_key ?? "", row.config_json ?? ""]),
    );
    for (const key of Object.keys(ports)) {
      assert.deepEqual(JSON.parse(documents[key] ?? ""), {
        url: url(key),
        transport: "streamable-http",
      });
    }
    assert.equal(documents.jira, undefined);
    assert.equal(documents.wrapped, '{"n": 12345678901234567890, "command": "x"}');
    const custom = JSON.parse(documents["team-search"] ?? "") as {
      command: string;
      args: string[];
    };
    assert.deepEqual([custom.command, custom.args], ["mcp-server-github", ["--read-only"]]);

    const servers = await studio.servers();
    assert.deepEqual(
      servers.map(({ key, transport, endpoint, connected }) => ({
        key,
        transport,
        endpoint,
        connected,
      })),
      Object.keys(ports).map((key) => ({
        key,
        transport: "streamable-http",
        endpoint: url(key),
        connected: true,
      })),
    );
    assert.ok(servers.every((server) => server.tools > 5 && server.protocolVersion !== null));
    assert.deepEqual(studio.children(), []);
  });

  it("changes nothing on a second sync, and erases a key that somebody added", async () => {
    const studio = running.at(-1);
    assert.ok(studio);
    const before = await rowsSnapshot(database.url);
    assert.deepEqual((await studio.sync()).summary, { created: 0, updated: 0, held: 0 });
    assert.deepEqual(await rowsSnapshot(database.url), before);

    await change(
      `update mcp_servers set config_json = jsonb_set(config_json, '{headers}', '{"A":"b"}') where server_key = 'chroma'`,
    );
    assert.deepEqual((await studio.sync()).summary, { created: 0, updated: 1, held: 0 });
    const after = await rowsSnapshot(database.url);
    const document = (rows: typeof after.servers) =>
      rows.find((row) => row.server_key === "chroma")?.config_json;
    assert.equal(document(after.servers), document(before.servers));
  });

  it("runs beside a second pod: the one that stops does not disturb the other", async () => {
    const first = running.at(-1);
    assert.ok(first);
    const second = await startStudio();
    await second.untilReady();
    const before = await rowsSnapshot(database.url);
    await Promise.all([first.sync(), second.sync(), first.sync(), second.sync()]);
    assert.deepEqual(await rowsSnapshot(database.url), before);
    assert.deepEqual(await first.terminate(), { code: 0, signal: null });
    assert.equal((await second.get("/ready")).status, 200);
  });

  it("does not boot when it wants to delete a row whose settings are absent", async () => {
    await change("delete from integration_settings where provider = 'github'");
    const studio = await startStudio();
    assert.deepEqual(await studio.exit(), { code: 1, signal: null });
    assert.match(studio.output, /'MCPServer' object has no attribute 'agents'.*github/);
  });
});
