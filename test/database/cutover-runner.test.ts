import assert from "node:assert/strict";
import { createServer } from "node:net";

import {
  type CutoverInputs,
  dropFenceStep,
  observeStep,
  previewRows,
  readLedgerStep,
  runCutoverStep,
  runSettleStep,
} from "@mcp-fleet/cutover-runner";
import { isUserError } from "@mcp-fleet/errors";
import { specHash } from "@mcp-fleet/row-cutover";

import { stopTestServer } from "../support/postgres";
import { closeServers, mcpServer, type TestServer } from "../unit/mcp-probe/servers";
import { meta, studioDatabase, studioSpec } from "./row-cutover/support";

describe("cutover-runner: a run against a real database", () => {
  let legacy: Awaited<ReturnType<typeof studioDatabase>>;
  const github = { works: true };
  let githubServer: TestServer;
  let inputs: CutoverInputs;

  const credentials = (): { databaseUrl: string } => ({ databaseUrl: legacy.db.connectionString });
  const towards = (target: CutoverInputs["target"]): CutoverInputs => ({ ...inputs, target });

  before(async () => {
    legacy = await studioDatabase({ schema: "jsonb" });
    const other = await mcpServer({ works: true });
    githubServer = await mcpServer(github);
    const rows = studioSpec().rows.map((row) => ({
      ...row,
      url: row.key === "github" ? githubServer.url : other.url,
    }));
    inputs = {
      target: "in-cluster",
      spec: studioSpec({ rows }),
      meta,
      probe: { from: "here", namespace: "tools", consumers: [], deadlineSeconds: 2 },
      targets: rows.map(({ key, url }) => ({ name: String(key), url })),
      kubernetes: {},
      database: { connect: "direct", tls: "disable" },
    };
  });

  after(async () => {
    await closeServers();
    await legacy.drop();
    await stopTestServer();
  });

  it("leaves rows and ledger alone while one server does not answer (S20)", async () => {
    const before = await legacy.snapshot();
    github.works = false;
    await assert.rejects(
      () => runCutoverStep(inputs, credentials()),
      (error) =>
        isUserError(error) &&
        /^1 of 5 MCP servers did not pass.*untouched\. github: .* answers HTTP 500/.test(
          error.problem,
        ),
    );
    assert.deepEqual(await legacy.snapshot(), before);
    assert.equal(await readLedgerStep(inputs, credentials()), undefined);
  });

  it("writes once all answer, and probes before it commits", async () => {
    github.works = true;
    const outputs = await runCutoverStep(inputs, credentials());
    assert.equal(outputs.generation, 1);
    assert.equal(outputs.counts.rewrite, 5);
    assert.deepEqual(
      outputs.probes.find(({ name }) => name === "github"),
      { name: "github", consumer: "here", outcome: "ok", protocolVersion: "2025-06-18", tools: 2 },
    );
    assert.ok(
      Date.parse(outputs.probeRuns[0]?.completedAt ?? "") <= Date.parse(outputs.committedAt),
    );
    const [row] = await legacy.query<{ url: string }>(
      "select config_json->>'url' as url from mcp_servers where server_key = 'github'",
    );
    assert.equal(row?.url, githubServer.url);
    const kept = JSON.stringify(outputs);
    assert.ok(!kept.includes(legacy.db.connectionString) && !kept.includes("ghp_"));
  });

  it("neither probes nor writes when there is nothing to write", async () => {
    const before = await legacy.snapshot();
    const asked = githubServer.seen.length;
    const [first, again] = [
      await readLedgerStep(inputs, credentials()),
      await runCutoverStep(inputs, credentials()),
    ];
    assert.equal(githubServer.seen.length, asked);
    assert.deepEqual(await legacy.snapshot(), before);
    assert.equal(again.generation, 1);
    assert.equal(again.runId, first?.runId);
    assert.equal(again.committedAt, first?.committedAt);
  });

  it("has the ledger name the plan that changed no row, so that the next refresh finds what state holds", async () => {
    const before = await legacy.snapshot();
    const asked = githubServer.seen.length;
    const spec = {
      ...inputs.spec,
      onConflict: "keep" as const,
      deferred: ["google-workspace", "x"],
    };
    const outputs = await runCutoverStep({ ...inputs, spec }, credentials());
    const ledger = await readLedgerStep(inputs, credentials());
    assert.notEqual(specHash(spec, "in-cluster"), specHash(inputs.spec, "in-cluster"));
    assert.equal(outputs.planHash, specHash(spec, "in-cluster"));
    assert.equal(ledger?.planHash, outputs.planHash);
    assert.equal(ledger.generation, 1);
    assert.equal(githubServer.seen.length, asked);
    assert.deepEqual(await legacy.snapshot(), before);
  });

  it("tells a diff what state may not know: the newest generation, rows written since, no answer (S7, S16)", async () => {
    const spec = {
      ...inputs.spec,
      onConflict: "keep" as const,
      deferred: ["google-workspace", "x"],
    };
    assert.deepEqual(await observeStep({ ...inputs, spec }, credentials()), {
      reached: true,
      generation: 1,
      pending: false,
    });
    const change = (value: string): Promise<unknown[]> =>
      legacy.query(
        `update mcp_servers set config_json = config_json || '{"url":"${value}"}' where server_key = 'github'`,
      );
    await legacy.query("alter table mcp_servers disable trigger user");
    await change("http://elsewhere/mcp");
    assert.deepEqual(await observeStep(inputs, credentials()), {
      reached: true,
      generation: 1,
      pending: true,
    });
    // A row without a document makes the plan fail, which the run must report; the ledger can still be read.
    await legacy.query(
      `insert into mcp_servers (name, server_key, config_json, server_type, created_at, updated_at)
       values ('Bad', 'bad', '[]', 'custom', now(), now())`,
    );
    assert.deepEqual(await observeStep(inputs, credentials()), {
      reached: true,
      generation: 1,
      pending: true,
    });
    await legacy.query("delete from mcp_servers where server_key = 'bad'");
    await change(githubServer.url);
    await legacy.query("alter table mcp_servers enable trigger user");
    assert.deepEqual(
      await observeStep(inputs, { databaseUrl: "postgresql://u:s3cret@127.0.0.1:1/d" }),
      { reached: false, pending: false },
    );
  });

  it("refuses to write a URL that no probe covers", async () => {
    const targets = inputs.targets.filter(({ name }) => name !== "github");
    await runCutoverStep({ ...inputs, target: "embedded" }, credentials());
    await assert.rejects(
      () => runCutoverStep({ ...inputs, targets }, credentials()),
      /The row "github" is to point at .* not among the servers to probe/,
    );
  });

  it("takes the fence away when the stack goes, and without a database says how (S15)", async () => {
    const fences = (): Promise<unknown[]> =>
      legacy.query("select from pg_trigger where tgname like 'zz_mcp_cutover_%'");
    await runCutoverStep(inputs, credentials());
    await runCutoverStep(towards("embedded"), credentials());
    assert.equal((await fences()).length, 3);
    const gone = await dropFenceStep(inputs, {
      databaseUrl: "postgresql://u:s3cret@127.0.0.1:1/d",
    });
    assert.match(gone, /^warning: .*not known.*\n.*\n {2}select format\('drop function/);
    assert.ok(!gone.includes("s3cret"));
    assert.match(await dropFenceStep({}, undefined), /^warning: /);
    assert.equal((await fences()).length, 3);
    const before = await legacy.snapshot();
    assert.match(await dropFenceStep(inputs, credentials()), /the write fence is removed/);
    assert.equal((await fences()).length, 0);
    assert.deepEqual(await legacy.snapshot(), before);
    assert.equal(await dropFenceStep(inputs, credentials()), "");
  });

  it("goes back without probing, since no row will point at a server", async () => {
    await runCutoverStep(inputs, credentials());
    github.works = false;
    const asked = githubServer.seen.length;
    const outputs = await runCutoverStep(towards("embedded"), credentials());
    assert.equal(outputs.target, "embedded");
    assert.equal(outputs.generation, 6);
    assert.equal(githubServer.seen.length, asked);
    const settled = await runSettleStep(
      { ...inputs, targets: [], generation: 6, workloads: [] },
      credentials(),
    );
    assert.equal(settled.removedFence, true);
  });

  it("settles only while the servers answer, and says how to go back (S21)", async () => {
    github.works = true;
    const { generation } = await runCutoverStep(inputs, credentials());
    const before = await legacy.snapshot();
    github.works = false;
    const settle = { ...inputs, generation, workloads: [] };
    await assert.rejects(
      () => runSettleStep(settle, credentials()),
      (error) =>
        isUserError(error) &&
        /^1 of 5 MCP servers did not pass the probe, though the rows of generation 7 .*fence stays\. github: .* HTTP 500/.test(
          error.problem,
        ) &&
        /set target to embedded and run an update/.test(error.message),
    );
    assert.deepEqual(await legacy.snapshot(), before);
    assert.equal((await readLedgerStep(inputs, credentials()))?.settledAt, undefined);
    github.works = true;
    assert.equal((await runSettleStep(settle, credentials())).removedFence, true);
    await runCutoverStep(towards("embedded"), credentials());
  });

  it("previews the rows, and says when the database does not answer (S6)", async () => {
    const plan = await previewRows(inputs, credentials());
    assert.ok("changes" in plan);
    assert.equal(plan.noop, false);
    assert.equal(plan.changes.filter(({ action }) => action === "rewrite").length, 5);

    const refused = new URL(legacy.db.connectionString);
    refused.port = "1";
    const closed = await previewRows(inputs, { databaseUrl: refused.href });
    assert.ok("unreachable" in closed);

    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    assert.ok(typeof address === "object" && address !== null);
    refused.port = String(address.port);
    const started = Date.now();
    const late = await previewRows(inputs, { databaseUrl: refused.href });
    silent.close();
    assert.match(
      "unreachable" in late ? late.unreachable : "",
      /^The database did not answer within 3 seconds\. It was looked for at 127\.0\.0\.1:\d+\.$/,
    );
    assert.ok(Date.now() - started < 15_000);

    const wrong = new URL(legacy.db.connectionString);
    wrong.pathname = "/no_such_database";
    await assert.rejects(() => previewRows(inputs, { databaseUrl: wrong.href }), isUserError);
  });
});
