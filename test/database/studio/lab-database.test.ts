import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { isUserError, type UserError } from "@mcp-fleet/errors";

import { withClient } from "../../../lab/database/access";
import { serverUser } from "../../../lab/database/identity";
import {
  type Database,
  ensureDatabase,
  findDatabase,
  stopDatabase,
} from "../../../lab/database/index";
import { secretMark } from "../../../lab/database/schema";
import { displayRows, rowsSnapshot } from "../../../lab/database/snapshot";
import { silentLog } from "../../../lab/log";
import { isRunning } from "./support";

/** In pg_dump's form: COPY blocks, an owner and a grantee that are unknown here. */
const dump = `
SET client_encoding = 'UTF8';
CREATE TABLE public.mcp_servers (
  id integer NOT NULL, name varchar(255) NOT NULL, server_key varchar(64) NOT NULL UNIQUE,
  description varchar(512), config_json text NOT NULL, server_type varchar(32) NOT NULL,
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL
);
ALTER TABLE public.mcp_servers OWNER TO "Some One";
CREATE SEQUENCE public.mcp_servers_id_seq AS integer;
ALTER TABLE public.mcp_servers_id_seq OWNER TO "Some One";
ALTER SEQUENCE public.mcp_servers_id_seq OWNED BY public.mcp_servers.id;
ALTER TABLE ONLY public.mcp_servers ALTER COLUMN id SET DEFAULT nextval('public.mcp_servers_id_seq'::regclass);
CREATE TABLE public.chat_thread_mcp_servers (
  chat_thread_id integer NOT NULL, mcp_server_id integer NOT NULL,
  PRIMARY KEY (chat_thread_id, mcp_server_id)
);
COPY public.mcp_servers (id, name, server_key, description, config_json, server_type, created_at, updated_at) FROM stdin;
7\tLLMCTL MCP\tllmctl-mcp\t\\N\t[mcp_servers.llmctl-mcp]\\ncommand = "python3"\tintegrated\t2025-01-01 00:00:00+00\t2025-01-01 00:00:00+00
\\.
COPY public.chat_thread_mcp_servers (chat_thread_id, mcp_server_id) FROM stdin;
3\t7
\\.
SELECT pg_catalog.setval('public.mcp_servers_id_seq', 7, true);
ALTER TABLE ONLY public.mcp_servers ADD CONSTRAINT mcp_servers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chat_thread_mcp_servers ADD CONSTRAINT fk FOREIGN KEY (mcp_server_id) REFERENCES public.mcp_servers(id);
GRANT SELECT ON TABLE public.mcp_servers TO reader;
`;

describe("the lab's database", function () {
  this.timeout(60_000);
  const runDir = mkdtempSync(join(tmpdir(), "lab-db-"));
  let database: Database;

  before(async () => {
    database = await ensureDatabase({ runDir }, silentLog);
  });
  after(async () => {
    await stopDatabase({ runDir });
    rmSync(runDir, { recursive: true, force: true });
  });

  const pidFile = (db: Database): Promise<string> =>
    withClient(db.superuserUrl, async (client) => {
      const found = await client.query<{ dir: string }>(
        "select current_setting('data_directory') as dir",
      );
      return join(found.rows[0]?.dir ?? "", "postmaster.pid");
    });
  const serverPid = async (db: Database): Promise<number> =>
    Number(readFileSync(await pidFile(db), "utf8").split("\n", 1)[0]);

  it("runs as an unprivileged user, with its passwords in a private file", async () => {
    const pid = await serverPid(database);
    const owner = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    assert.notEqual(owner, "0");
    assert.equal(statSync(join(runDir, "database.json")).mode & 0o777, 0o600);
  });

  it("holds the newer generation's rows and their references by default", async () => {
    const snapshot = await rowsSnapshot(database.url);
    assert.equal(snapshot.columnType, "jsonb");
    assert.deepEqual(Object.keys(snapshot.associations), [
      "agent_task_mcp_servers",
      "chat_thread_mcp_servers",
      "flowchart_node_mcp_servers",
      "task_template_mcp_servers",
    ]);
    assert.ok(JSON.stringify(snapshot).includes(secretMark));
    const shown = displayRows(snapshot);
    assert.ok(!JSON.stringify(shown).includes(secretMark));
    assert.deepEqual(
      shown.find((row) => row.key === "github"),
      { key: "github", type: "integrated", transport: "stdio", endpoint: "mcp-server-github" },
    );
  });

  it("gives the application's role its own tables and the cutover's role no more than a run needs", async () => {
    await withClient(database.url, async (db) => {
      await db.query("begin");
      await db.query("alter table mcp_servers alter column description type varchar(600)");
      await db.query("rollback");
      await assert.rejects(db.query("create role another"), /permission denied/);
    });
    await withClient(database.cutoverUrl, async (db) => {
      await db.query("begin");
      await db.query("create schema mcp_cutover");
      await db.query(
        "create function mcp_cutover.f() returns trigger language plpgsql as 'begin return new; end'",
      );
      await db.query(
        "create trigger t before update on mcp_servers for each row execute function mcp_cutover.f()",
      );
      await db.query("select 1 from mcp_servers order by server_key for update");
      await db.query("delete from chat_thread_mcp_servers");
      await db.query("rollback");
      for (const forbidden of [
        "alter table mcp_servers add column x int",
        "drop table mcp_servers",
        "truncate mcp_servers",
        "select * from chat_turns",
        "create table public.x (a int)",
        "create role another",
      ]) {
        await assert.rejects(db.query(forbidden), /permission denied|must be owner/, forbidden);
      }
    });
  });

  it("is found again by a second call, and refuses to be something else", async () => {
    const pid = await serverPid(database);
    const again = await ensureDatabase({ runDir, schema: "jsonb" }, silentLog);
    assert.deepEqual([again.fresh, again.port, again.url], [false, database.port, database.url]);
    assert.equal(await serverPid(again), pid);
    await assert.rejects(
      ensureDatabase({ runDir, schema: "text" }, silentLog),
      /holds the legacy rows, generation jsonb.*not the legacy rows, generation text/s,
    );
    assert.equal((await findDatabase({ runDir }))?.url, database.url);
  });

  it("comes back with its data after its process was killed and its id was taken over", async () => {
    const before = await rowsSnapshot(database.url);
    const file = await pidFile(database);
    const pid = await serverPid(database);
    const { uid, gid } = serverUser();
    // PostgreSQL itself cannot distinguish a process of the same user from a running server.
    const other = spawn("sleep", ["60"], { stdio: "ignore", ...(uid && gid ? { uid, gid } : {}) });
    process.kill(pid, "SIGKILL");
    while (isRunning(pid)) await sleep(20);
    writeFileSync(file, readFileSync(file, "utf8").replace(/^\d+/, String(other.pid)));
    assert.equal(await findDatabase({ runDir }), undefined);

    const again = await ensureDatabase({ runDir }, silentLog);
    assert.equal(again.fresh, false);
    assert.deepEqual(await rowsSnapshot(again.url), before);
    assert.ok(isRunning(other.pid ?? 0), "the process that has the id by then is left alone");
    other.kill();
  });

  it("says that a given port is taken, in one sentence, and makes nothing", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const elsewhere = mkdtempSync(join(tmpdir(), "lab-db-"));
    try {
      await assert.rejects(
        ensureDatabase({ runDir: elsewhere, port }, silentLog),
        (error) => isUserError(error) && error.problem.includes(`Port ${port}`),
      );
      assert.equal(await findDatabase({ runDir: elsewhere }), undefined);
    } finally {
      other.close();
      await stopDatabase({ runDir: elsewhere });
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });

  describe("with a dump of the user's own", () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "lab-db-"));
    const file = join(elsewhere, "dump.sql");
    afterEach(() => stopDatabase({ runDir: elsewhere }));
    after(() => rmSync(elsewhere, { recursive: true, force: true }));

    it("restores it, whoever owned it, and gives the application's role its tables", async () => {
      writeFileSync(file, dump);
      const restored = await ensureDatabase({ runDir: elsewhere, dump: file }, silentLog);
      const snapshot = await rowsSnapshot(restored.url);
      assert.deepEqual(
        snapshot.servers.map((row) => [row.id, row.server_key]),
        [["7", "llmctl-mcp"]],
      );
      assert.deepEqual(snapshot.associations, {
        chat_thread_mcp_servers: [{ row: "(3,7)" }],
      });
      await withClient(restored.url, (db) =>
        db.query("alter table mcp_servers alter column description type varchar(600)"),
      );
      await withClient(restored.cutoverUrl, (db) =>
        db.query("select 1 from mcp_servers for update"),
      );
    });

    const refusals: [name: string, sql: string, problem: RegExp][] = [
      [
        "is no dump of this application",
        "create table other (id int);\n",
        /no table public.mcp_servers/,
      ],
      ["fails half-way", `${dump}\nselect 1 from nowhere;\n`, /relation "nowhere" does not exist/],
      ["changes databases", "CREATE DATABASE x;\n\\connect x\n", /makes or changes databases/],
      ["is not there", "", /There is no file/],
      ["is an archive", "PGDMP\u0001", /not a plain SQL dump/],
    ];
    for (const [name, sql, problem] of refusals) {
      it(`refuses one that ${name}, and leaves nothing`, async () => {
        if (sql === "") rmSync(file, { force: true });
        else writeFileSync(file, sql);
        await assert.rejects(
          ensureDatabase({ runDir: elsewhere, dump: file }, silentLog),
          (error: UserError) => isUserError(error) && problem.test(error.problem),
        );
        assert.equal(await findDatabase({ runDir: elsewhere }), undefined);
      });
    }
  });
});
