import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { planRows, readLedger, runCutover } from "@mcp-fleet/row-cutover";

import { withClient } from "../../../lab/database/access";
import { secretMark } from "../../../lab/database/schema";
import {
  meta,
  rowSpec,
  type StudioDatabase,
  studioDatabase,
  studioSpec,
  targetOf,
} from "./support";

describe("rows that somebody changed after the cutover", () => {
  let database: StudioDatabase;
  const spec = studioSpec({ fence: false });
  beforeEach(async () => {
    database = await studioDatabase({ schema: "jsonb" });
  });
  afterEach(() => database.drop());

  const elsewhere = '{"url": "http://elsewhere.example/mcp", "transport": "streamable-http"}';

  it("stop the rollback before any change, or stay, or are restored all the same (S9)", async () => {
    const before = await database.snapshot();
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.query("update mcp_servers set config_json = $1 where server_key = 'github'", [
      elsewhere,
    ]);
    const changed = await database.snapshot();

    const said = {
      fail: ["conflict", "Conflict: the row github has another url."],
      keep: ["keep", "Changed since the cutover: the row github has another url."],
      force: ["restore", "Changed since the cutover: the row github has another url."],
    } as const;
    for (const [onConflict, expected] of Object.entries(said)) {
      const policy = { ...spec, onConflict: onConflict as keyof typeof said };
      const { changes, warnings } = await planRows(database.db, policy, "embedded");
      const github = changes.find(({ key }) => key === "github");
      assert.equal(github?.from, "streamable-http http://elsewhere.example/mcp");
      assert.deepEqual([github.action, warnings.at(-1)], expected);
    }
    await assert.rejects(runCutover(database.db, spec, "embedded", meta), (error: Error) => {
      assert.match(error.message, /github \(has another url\)/);
      assert.ok(!error.message.includes("elsewhere"));
      return true;
    });
    assert.deepEqual(await database.snapshot(), changed);
    assert.equal((await readLedger(database.db, spec))?.generation, 1);

    const keeping = { ...spec, onConflict: "keep" as const };
    const kept = await runCutover(database.db, keeping, "embedded", meta);
    assert.deepEqual([kept.counts.restore, kept.counts.keep], [4, 1]);
    const after = await database.snapshot();
    assert.deepEqual(
      after.rows,
      before.rows.map((row, i) => (row.server_key === "github" ? changed.rows[i] : row)),
    );
  });

  it("are restored with force (S9)", async () => {
    const before = await database.snapshot();
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.query("update mcp_servers set config_json = $1 where server_key = 'github'", [
      elsewhere,
    ]);
    const done = await runCutover(database.db, { ...spec, onConflict: "force" }, "embedded", meta);
    assert.deepEqual(done.counts, { restore: 5 });
    assert.deepEqual(await database.snapshot(), before);
  });

  it("keep a key that was added beside ours, and headers the application erased are no conflict (S10)", async () => {
    const headers = { Authorization: `Bearer ${secretMark}` };
    const withHeaders = {
      ...spec,
      rows: spec.rows.map((row) => (row.key === "github" ? rowSpec("github", { headers }) : row)),
    };
    await runCutover(database.db, withHeaders, "in-cluster", meta);
    await database.query(
      "update mcp_servers set config_json = config_json - 'headers' where server_key = 'github'",
    );
    assert.equal((await planRows(database.db, withHeaders, "in-cluster")).noop, true);
    await database.query(
      `update mcp_servers set config_json = config_json || '{"description": "mine"}' where server_key = 'chroma'`,
    );
    await runCutover(database.db, withHeaders, "embedded", meta);
    const rows = await database.query<{ server_key: string; config_json: Record<string, unknown> }>(
      "select server_key, config_json from mcp_servers where server_key in ('chroma', 'github') order by 1",
    );
    assert.deepEqual(Object.keys(rows[0]?.config_json ?? {}).sort(), [
      "args",
      "command",
      "description",
    ]);
    assert.equal(rows[1]?.config_json.command, "mcp-server-github");
    assert.equal(rows[1]?.config_json.headers, undefined);
  });

  it("are shown by the runbook's SQL to the login that it names, and to no other", async () => {
    const page = readFileSync(join("docs", "runbooks", "conflict-on-rollback.md"), "utf8");
    const sql = /```sql\n([^]*?)```/.exec(page)?.[1] ?? "";
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.query("update mcp_servers set config_json = $1 where server_key = 'github'", [
      elsewhere,
    ]);
    const { rows } = await withClient(database.db.connectionString, (client) =>
      client.query<{ ours: string; now: { url: string }; updated_at: Date }>(sql),
    );
    assert.equal(rows.length, 1);
    assert.match(rows[0]?.ours ?? "", /llmctl-mcp-github/);
    assert.equal(rows[0]?.now.url, "http://elsewhere.example/mcp");
    assert.ok(rows[0]?.updated_at instanceof Date);
    assert.match(page, /permission denied for schema mcp_cutover/);
    await assert.rejects(
      withClient(database.applicationUrl, (client) => client.query(sql)),
      /permission denied for schema mcp_cutover/,
    );
  });

  it("stay deleted, and rows made since in the new form are reported (S11, S12)", async () => {
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.query("delete from chat_thread_mcp_servers");
    await database.query("delete from mcp_servers where server_key = 'chroma'");
    await database.query(
      `insert into mcp_servers (name, server_key, config_json, server_type, created_at, updated_at)
       values ('New', 'brand-new', $1, 'integrated', now(), now())`,
      [JSON.stringify(targetOf("brand-new"))],
    );
    const plan = await planRows(database.db, spec, "embedded");
    assert.match(plan.warnings.join(" "), /The row chroma was deleted since the cutover/);
    await assert.rejects(
      runCutover(database.db, spec, "embedded", meta),
      /brand-new \(was made since the cutover and has no earlier form\)/,
    );
    await runCutover(database.db, { ...spec, onConflict: "keep" }, "embedded", meta);
    const keys = (await database.snapshot()).rows.map(({ server_key }) => server_key);
    assert.ok(keys.includes("brand-new") && !keys.includes("chroma"));
  });

  it("are rewritten by the next run forward, which keeps the way back to the oldest form (S14)", async () => {
    const before = await database.snapshot();
    await runCutover(database.db, spec, "in-cluster", meta);
    await database.query("update mcp_servers set config_json = $1 where server_key = 'github'", [
      elsewhere,
    ]);
    const again = await runCutover(database.db, spec, "in-cluster", meta);
    assert.deepEqual([again.generation, again.counts], [2, { rewrite: 1, unchanged: 4 }]);
    await runCutover(database.db, spec, "embedded", meta);
    assert.deepEqual(await database.snapshot(), before);
  });

  it("leave a rollback impossible when the journal is not whole (S39)", async () => {
    await runCutover(database.db, spec, "in-cluster", meta);
    const after = await database.snapshot();
    await database.query("delete from mcp_cutover.journal where key_after = array['github']");
    await assert.rejects(
      runCutover(database.db, spec, "embedded", meta),
      /The journal of generation 1 has 4 of its 5 entries/,
    );
    assert.deepEqual(await database.snapshot(), after);
  });
});

describe("seeded rows", () => {
  it("are made where they are missing and the condition holds, and removed again", async () => {
    const database = await studioDatabase({ schema: "jsonb" });
    await database.query("delete from agent_task_mcp_servers; delete from chat_thread_mcp_servers");
    await database.query(
      "delete from mcp_servers where server_key in ('llmctl-mcp', 'github', 'chroma')",
    );
    const values = { name: "Seeded", created_at: "now" };
    const settings = "select 1 from integration_settings where provider =";
    const seeds: Record<string, object> = {
      "llmctl-mcp": { values },
      github: { values, condition: `${settings} 'github'` },
      chroma: { values, condition: `${settings} 'nothing'` },
    };
    const base = studioSpec();
    const spec = {
      ...base,
      rows: base.rows.map((row) => ({ ...row, seed: seeds[row.key as string] }) as typeof row),
    };
    const before = await database.snapshot();
    const done = await runCutover(database.db, spec, "in-cluster", meta);
    assert.deepEqual(done.counts, { rewrite: 2, seed: 2 });
    const rows = (await database.snapshot()).rows.filter((row) => row.name === "Seeded");
    assert.deepEqual(rows.map((row) => row.server_key).sort(), ["github", "llmctl-mcp"]);
    assert.deepEqual(JSON.parse(rows[0]?.config_json ?? ""), targetOf(rows[0]?.server_key ?? ""));
    assert.equal((await runCutover(database.db, spec, "in-cluster", meta)).repeated, true);
    const back = await runCutover(database.db, spec, "embedded", meta);
    assert.deepEqual(back.counts, { restore: 2, remove: 2 });
    assert.deepEqual(await database.snapshot(), before);
    await database.drop();
  });
});
