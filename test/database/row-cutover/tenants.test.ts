import assert from "node:assert/strict";

import {
  drift,
  planRows,
  readCredentials,
  readEndpoints,
  readLedger,
  readRunRows,
  type RowChange,
  runCutover,
  settle,
} from "@mcp-fleet/row-cutover";
import fc from "fast-check";

import { withClient } from "../../../lab/database/access";
import { meta } from "./support";
import {
  addTenants,
  type TenantRow,
  type TenantsDatabase,
  tenantsDatabase,
  tenantsSpec,
  urlOf,
} from "./tenants";

const stdio =
  '{"command": "/usr/bin/tool", "args": ["--x"], "env": {"API_TOKEN": "t0ken", "MODE": "1"}}';
const target = (server: string): string =>
  JSON.stringify({ url: urlOf(server), transport: "streamable-http" });

/** Possible documents of a user's row. The forms from `toml` on are possible in a text column only. */
const forms = {
  stdio: () => stdio,
  kept: () => '{"command":"x", "timeout" : 12345678901234567890123, "z": {"k": 1.10}}',
  there: target,
  elsewhere: () => '{"url": "http://elsewhere/mcp", "transport": "sse", "timeout": 5}',
  wrapped: (server: string) => `{"mcp_servers": {"${server}": ${stdio}}}`,
  escaped: () => '{"command": "x", "note": "\\u00e9\\ud83d\\ude00", "timeout": 1e3}',
  toml: (server: string) =>
    `[mcp_servers.${server}]\ncommand = "x" # mine\ntimeout = 9007199254740993\nenv.API_TOKEN = "t0ken"`,
  nul: () => '{"command": "x", "note": "\\u0000"}',
};

type Form = keyof typeof forms;

function count(changes: readonly RowChange[], action: RowChange["action"]): number {
  return changes.reduce((sum, one) => sum + (one.action === action ? (one.count ?? 1) : 0), 0);
}

for (const type of ["text", "json", "jsonb"] as const) {
  describe(`a table where one server has many rows, ${type}`, function () {
    this.timeout(120_000);
    const possible = (Object.keys(forms) as Form[]).filter(
      (form) => type === "text" || (form !== "toml" && (type === "json" || form !== "nul")),
    );
    let database: TenantsDatabase;
    afterEach(() => database.drop());

    it("undo after forward is the identity for thousands of rows of mixed forms (S14, S28, S29)", async () => {
      const row = fc.record({
        server: fc.constantFrom("a", "b", "c", "later"),
        form: fc.constantFrom(...possible),
        kind: fc.constantFrom("managed", "managed", "managed", "own"),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(row, { minLength: 3000, maxLength: 3000, size: "max" }),
          fc.constantFrom(undefined, "all" as const, ["timeout", "env"]),
          fc.constantFrom(undefined, { "X-Team": "é" }),
          fc.boolean(),
          async (drawn, keep, headers, sets) => {
            // A NUL is not possible: PostgreSQL reads such a document only as a whole.
            const rows: TenantRow[] = drawn.map(({ server, form, kind }) => ({
              server,
              kind,
              config: forms[form === "nul" && keep !== undefined ? "escaped" : form](server),
            }));
            database = await tenantsDatabase(type, rows);
            const spec = tenantsSpec({
              ...(keep === undefined ? {} : { keep }),
              ...(headers === undefined ? {} : { headers }),
              ...(sets ? { set: { label: "moved" } } : {}),
            });
            const before = await database.rows();
            const plan = await planRows(database.db, spec, "in-cluster");
            const done = await runCutover(database.db, spec, "in-cluster", meta);
            assert.deepEqual(done.changes, plan.changes);
            assert.equal(done.counts.rewrite, plan.size.rows);
            assert.equal(done.counts.rewrite, count(plan.changes, "rewrite"));
            assert.ok(plan.changes.every(({ key }) => ["a", "b", "c"].includes(key)));
            const after = await database.rows();
            for (const [i, now] of after.entries()) {
              const ours = now.kind === "managed" && now.server !== "later";
              if (!ours) assert.deepEqual(now, before[i]);
              else assert.match(now.config ?? "", /mcp-[abc]\.ai\.svc/);
            }
            assert.equal((await planRows(database.db, spec, "in-cluster")).noop, true);
            assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).repeated, true);
            assert.deepEqual((await drift(database.db, spec))?.rows, []);
            assert.equal((await settle(database.db, spec, 1)).converted, 0);
            const back = await runCutover(database.db, spec, "embedded", meta);
            assert.equal(back.counts.restore, done.counts.rewrite);
            assert.deepEqual(await database.rows(), before);
            assert.deepEqual((await drift(database.db, spec))?.rows, []);
            await database.drop();
          },
        ),
        { numRuns: 4, interruptAfterTimeLimit: 60_000 },
      );
    });

    it("reports by server and keeps to the conflict policy row by row (S9, S10, S11, S12)", async () => {
      const rows = Array.from({ length: 300 }, (_, i) => ({
        server: ["a", "b", "c"][i % 3] ?? "",
        config: stdio,
      }));
      database = await tenantsDatabase(type, rows);
      const spec = tenantsSpec({}, { fence: false });
      const before = await database.rows();
      const plan = await planRows(database.db, spec, "in-cluster");
      assert.deepEqual(
        plan.changes.map(({ key, action, from, to, count: many }) => [key, action, from, to, many]),
        ["a", "b", "c"].map((key) => [key, "rewrite", "stdio tool", urlOf(key), 100]),
      );
      assert.deepEqual([...(plan.changes[0]?.drops ?? [])].sort(), [
        "args",
        "command",
        "env.API_TOKEN",
        "env.MODE",
      ]);
      await runCutover(database.db, spec, "in-cluster", meta);
      await database.query(
        `update tenant_servers set config = '{"url": "http://mine/mcp"}' where tenant_id between 10 and 59`,
      );
      await database.query("delete from tenant_servers where tenant_id = 2");
      await database.query("update tenant_servers set updated_at = now() where tenant_id = 3");
      await addTenants(database, type, [{ server: "a", config: target("a") }], 1000);
      const changed = await database.rows();

      const back = await planRows(database.db, spec, "embedded");
      assert.deepEqual(
        [
          count(back.changes, "restore"),
          count(back.changes, "conflict"),
          count(back.changes, "unchanged"),
        ],
        [249, 51, 1],
      );
      assert.match(back.warnings.join(" "), /The row 2\/b was deleted since/);
      await assert.rejects(runCutover(database.db, spec, "embedded", meta), (error: Error) => {
        assert.match(error.message, /51 rows were changed since .*10\/a \(has another url\)/);
        assert.match(error.message, / and 31 more\./);
        assert.ok(!error.message.includes("http://mine"));
        return true;
      });
      assert.deepEqual(await database.rows(), changed);
      const found = await drift(database.db, spec);
      assert.deepEqual([found?.rows.length, found?.more], [52, undefined]);

      const kept = await runCutover(database.db, { ...spec, onConflict: "keep" }, "embedded", meta);
      assert.deepEqual(
        [kept.counts.restore, kept.counts.keep, kept.counts.unchanged],
        [249, 51, 1],
      );
      const after = await database.rows();
      const touched = changed.find(({ tenant }) => tenant === "3")?.updated;
      const old = new Map(before.map((row) => [row.tenant, row]));
      for (const [i, row] of after.entries()) {
        const tenant = Number(row.tenant);
        const conflict = (tenant >= 10 && tenant <= 59) || tenant === 1000;
        const expected = conflict ? changed[i] : old.get(row.tenant);
        assert.deepEqual(row, tenant === 3 ? { ...expected, updated: touched } : expected);
      }
    });

    it("restores what somebody changed with force, and goes forward again to the oldest form (S9, S14)", async () => {
      const rows = Array.from({ length: 60 }, (_, i) => ({
        server: ["a", "b", "c"][i % 3] ?? "",
        config: stdio,
      }));
      database = await tenantsDatabase(type, rows);
      const before = await database.rows();
      const spec = tenantsSpec({}, { fence: false, onConflict: "force" });
      await runCutover(database.db, spec, "in-cluster", meta);
      await database.query(
        `update tenant_servers set config = '{"url": "http://mine/mcp"}' where tenant_id <= 20`,
      );
      const again = await runCutover(database.db, spec, "in-cluster", meta);
      assert.deepEqual([again.generation, again.counts], [2, { rewrite: 20, unchanged: 40 }]);
      await database.query(
        `update tenant_servers set config = '{"url": "http://mine/mcp"}' where tenant_id > 40`,
      );
      await runCutover(database.db, spec, "embedded", meta);
      const after = await database.rows();
      const plain = (all: typeof after): unknown => all.map((row) => ({ ...row, updated: "" }));
      assert.deepEqual(plain(after), plain(before));
    });

    it("is fenced, and Settle converts what came late (S13)", async () => {
      database = await tenantsDatabase(type, [
        { server: "a", config: stdio },
        { server: "b", config: stdio },
      ]);
      const spec = tenantsSpec();
      await runCutover(database.db, spec, "in-cluster", meta);
      const after = await database.rows();
      await withClient(database.applicationUrl, (client) =>
        client.query("update tenant_servers set config = $1, label = 'through'", [stdio]),
      );
      assert.deepEqual(
        await database.rows(),
        after.map((row) => ({ ...row, label: "through" })),
      );
      const late = [{ server: "a", config: stdio }];
      await addTenants(database, type, late, 50);
      const settled = await settle(database.db, spec, 1);
      assert.deepEqual([settled.fencedWrites, settled.converted], [2, 1]);
      assert.deepEqual((await drift(database.db, spec))?.rows, []);
      await runCutover(database.db, spec, "embedded", meta);
      assert.ok((await database.rows()).every(({ config }) => config?.includes("t0ken")));
    });

    it("tells where the rows of a server point, however many there are", async () => {
      database = await tenantsDatabase(type, [
        ...Array.from({ length: 1500 }, () => ({ server: "a", config: stdio })),
        { server: "b", config: stdio },
        { server: "c", config: stdio },
      ]);
      const spec = tenantsSpec({}, { fence: false });
      await runCutover(database.db, spec, "in-cluster", meta);
      await database.query(
        `update tenant_servers set config = '{"url": "http://elsewhere:1/mcp?t=1", "transport": "sse"}' where tenant_id = 7`,
      );
      const there = (key: string, rows: number): object => ({
        key,
        rows,
        shown: `streamable-http ${urlOf(key)}`,
        url: urlOf(key),
      });
      const found = await readEndpoints(database.db, spec);
      const byRows = found.sort((x, y) => y.rows - x.rows || (x.key < y.key ? -1 : 1));
      assert.deepEqual(
        byRows.filter(({ shown }) => !shown.startsWith("sse")),
        [there("a", 1499), there("b", 1), there("c", 1)],
      );
      assert.deepEqual(
        byRows.filter(({ shown }) => shown.startsWith("sse")),
        [
          {
            key: "a",
            rows: 1,
            shown: "sse http://elsewhere:1/mcp",
            url: "http://elsewhere:1/mcp?t=1",
          },
        ],
      );
      const listed = await readRunRows(database.db, spec, 1);
      assert.deepEqual([listed?.rows.length, listed?.more], [1000, 502]);
    });

    it("is refused with the servers named: credentials, unknown servers, size, malformed rows (S27, S29)", async () => {
      database = await tenantsDatabase(type, [
        { server: "a", config: stdio },
        {
          server: "a",
          config: '{"command": "x", "env": {"OTHER_TOKEN": "t0ken", "EMPTY_TOKEN": ""}}',
        },
        { server: "b", config: '{"command": "x", "env": {"FILE_TOKEN": "/run/token"}}' },
        { server: "c", config: stdio, kind: "own" },
        { server: "later", config: stdio },
        { server: "strange", config: stdio },
      ]);
      const before = await database.rows();
      const refused = async (message: RegExp, spec = tenantsSpec()): Promise<void> => {
        for (const attempt of [
          () => planRows(database.db, spec, "in-cluster"),
          () => runCutover(database.db, spec, "in-cluster", meta),
        ]) {
          await assert.rejects(attempt(), (error: Error) => {
            assert.match(error.message, message);
            assert.ok(!error.message.includes("t0ken"), error.message);
            return true;
          });
        }
        assert.deepEqual(await database.rows(), before);
      };
      await refused(/The row strange \(1\) of public\.tenant_servers .*no server configured/);
      const deferring = (row = {}): ReturnType<typeof tenantsSpec> =>
        tenantsSpec(row, { deferred: ["later", "strange"] });
      await refused(/would be lost.*: a: OTHER_TOKEN\./, deferring());
      await refused(
        /would be lost.*: a: API_TOKEN; a: OTHER_TOKEN\./,
        deferring({ secretKeys: [] }),
      );
      await refused(/more than 2 rows/, { ...deferring(), maxRows: 2 });
      await refused(/alias or a seed/, deferring({ aliases: ["z"] }));
      await assert.rejects(readCredentials(database.db, deferring()), /credentials of its own/);
      const secretKeys = ["API_TOKEN", "OTHER_TOKEN"];
      const plan = await planRows(database.db, deferring({ secretKeys }), "in-cluster");
      assert.deepEqual(
        plan.warnings.sort(),
        [
          "1 rows of c are not the application's own and stay as they are.",
          "There is no row of c.",
          "b: FILE_TOKEN names a file in the application's own image, which the server in the cluster does not have.",
        ].sort(),
      );
      const bad = type === "text" ? "not = [a document" : '["t0ken"]';
      await addTenants(database, type, [{ server: "own", kind: "own", config: bad }], 77);
      await assert.rejects(
        runCutover(database.db, deferring({ secretKeys }), "in-cluster", meta),
        /The document of the row 77\/own in public\.tenant_servers/,
      );
      assert.equal(await readLedger(database.db, deferring()), undefined);
    });

    it("is planned again under the lock when somebody wrote since, and only then (S30)", async () => {
      database = await tenantsDatabase(type, [
        { server: "a", config: stdio },
        { server: "b", config: stdio },
      ]);
      const spec = tenantsSpec();
      await withClient(database.applicationUrl, async (holder) => {
        await holder.query("begin");
        await holder.query("update tenant_servers set config = $1 where server_key = 'a'", [
          target("a"),
        ]);
        await holder.query(
          `insert into tenant_servers values (9, 'b', $1, 'managed', 'late', now())`,
          [stdio],
        );
        const run = runCutover(database.db, spec, "in-cluster", meta);
        for (let waiting = 0; waiting === 0;) {
          waiting = (
            await database.query(
              "select from pg_locks where not granted and mode = 'ShareRowExclusiveLock'",
            )
          ).length;
        }
        await holder.query("commit");
        assert.deepEqual((await run).counts, { rewrite: 2, unchanged: 1 });
      });
    });
  });
}
