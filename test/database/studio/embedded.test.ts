import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { withClient } from "../../../lab/database/access";
import { type Database, ensureDatabase, stopDatabase } from "../../../lab/database/index";
import { secretMark } from "../../../lab/database/schema";
import { rowsSnapshot } from "../../../lab/database/snapshot";
import { silentLog } from "../../../lab/log";
import { isRunning, makeCommands, startHttpServer, StudioProcess, until } from "./support";

const keys = ["atlassian", "chroma", "github", "google-cloud", "llmctl-mcp"];

for (const schema of ["jsonb", "text"] as const) {
  describe(`Studio, embedded, ${schema} schema`, function () {
    this.timeout(90_000);
    const runDir = mkdtempSync(join(tmpdir(), "studio-db-"));
    const commands = makeCommands();
    let database: Database;
    let studio: StudioProcess;

    before(async () => {
      database = await ensureDatabase({ schema, runDir }, silentLog);
      studio = await StudioProcess.start({
        STUDIO_MODE: "embedded",
        DATABASE_URL: database.url,
        PATH: `${commands.path}:${process.env.PATH ?? ""}`,
      });
      await studio.untilReady();
    });
    after(async () => {
      await studio?.terminate();
      await stopDatabase({ runDir });
      commands.remove();
      rmSync(runDir, { recursive: true, force: true });
    });

    it("finds its own rows as it wants them and spawns every server", async () => {
      const page = await studio.sync();
      assert.deepEqual(page.summary, { created: 0, updated: 0, held: 0 });
      const servers = await studio.servers();
      assert.deepEqual(
        servers.map((server) => server.key),
        keys,
      );
      for (const server of servers) {
        assert.equal(server.transport, "stdio");
        assert.ok(server.connected && server.tools > 5, JSON.stringify(server));
        assert.match(server.protocolVersion ?? "", /^\d{4}-\d\d-\d\d$/);
      }
      assert.equal(studio.children().length, keys.length);
    });

    it("shows no credential on any page or in its log", async () => {
      for (const path of ["/", "/servers", "/mcps", "/chat", "/ready", "/healthz"]) {
        const { text } = await studio.get(path);
        assert.ok(!text.includes(secretMark), path);
      }
      assert.ok(!studio.output.includes(secretMark));
      assert.ok(!studio.output.includes(new URL(database.url).password));
    });

    it("writes its rows back on GET /mcps after somebody else changed one", async () => {
      const before = await rowsSnapshot(database.url);
      await withClient(database.url, (db) =>
        db.query(
          `update mcp_servers set config_json = '{"url":"http://127.0.0.1:9/mcp","transport":"streamable-http"}'
            where server_key = 'github'`,
        ),
      );
      const page = await studio.sync();
      assert.deepEqual(page.summary, { created: 0, updated: 1, held: 0 });
      const after = await rowsSnapshot(database.url);
      const withoutTime = (row: Record<string, string | null>) => ({ ...row, updated_at: null });
      assert.deepEqual(after.servers.map(withoutTime), before.servers.map(withoutTime));
      const touched = after.servers.filter(
        (row, i) => row.updated_at !== before.servers[i]?.updated_at,
      );
      assert.deepEqual(
        touched.map((row) => row.server_key),
        ["github"],
      );
    });

    it("goes over to the URL of a row that the database holds, and does not fight over it", async () => {
      const http = await startHttpServer();
      try {
        await withClient(database.superuserUrl, (db) => db.query(holdRow(http.origin, schema)));
        const first = await studio.sync();
        assert.deepEqual(first.summary, { created: 0, updated: 0, held: 1 });
        await until("github is connected by its URL", async () =>
          (await studio.servers()).some(
            (server) =>
              server.key === "github" &&
              server.transport === "streamable-http" &&
              server.endpoint === `${http.origin}/mcp` &&
              server.connected,
          ),
        );
        assert.equal(studio.children().length, keys.length - 1);
        const log = studio.output;
        await new Promise((resolve) => setTimeout(resolve, 1500));
        assert.equal(studio.output, log, "nothing happens without a request");

        await withClient(database.superuserUrl, (db) =>
          db.query("drop trigger hold on mcp_servers"),
        );
        assert.deepEqual((await studio.sync()).summary, { created: 0, updated: 1, held: 0 });
        await until("github is a child process again", async () =>
          (await studio.servers()).every(
            (server) => server.transport === "stdio" && server.connected,
          ),
        );
      } finally {
        await http.stop();
      }
    });

    it("connects again when a server dies", async () => {
      const victim = studio.children()[0];
      assert.ok(victim !== undefined);
      process.kill(victim, "SIGKILL");
      await until("one server was connected twice", async () =>
        (await studio.servers()).some((server) => server.connected && server.attempts === 2),
      );
      assert.equal(studio.children().length, keys.length);
    });

    it("on SIGTERM fails readiness, still answers, and leaves no process behind", async () => {
      const children = studio.children();
      assert.equal(children.length, keys.length);
      studio.child.kill("SIGTERM");
      await until("readiness fails", async () => (await studio.get("/ready")).status === 503);
      assert.equal((await studio.get("/servers")).status, 200);
      assert.deepEqual(await studio.exit(), { code: 0, signal: null });
      assert.deepEqual(children.filter(isRunning), []);
    });
  });
}

/** A trigger like the write fence: the row keeps the URL, whatever is written. */
function holdRow(origin: string, schema: "jsonb" | "text"): string {
  const value = `'{"url":"${origin}/mcp","transport":"streamable-http"}'::${schema}`;
  return `
    update mcp_servers set config_json = ${value} where server_key = 'github';
    create or replace function hold() returns trigger language plpgsql as $$
      begin
        if old.server_key = 'github' then return old; end if;
        return new;
      end $$;
    create trigger hold before update on mcp_servers for each row execute function hold();`;
}
