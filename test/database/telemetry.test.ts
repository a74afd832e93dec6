import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { type CutoverInputs, runCutoverStep, runSettleStep } from "@mcp-fleet/cutover-runner";

import { stopTestServer } from "../support/postgres";
import { closeServers, mcpServer } from "../unit/mcp-probe/servers";
import { meta, studioDatabase, studioSpec } from "./row-cutover/support";

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly status: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpSpan["attributes"] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** A collector: accepts OTLP over HTTP as JSON, and records the requests. */
async function collector(): Promise<{ url: string; requests: OtlpRequest[]; server: Server }> {
  const requests: OtlpRequest[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      assert.equal(request.url, "/v1/traces");
      requests.push(JSON.parse(body) as OtlpRequest);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, server };
}

describe("traces and logs of a run", () => {
  let database: Awaited<ReturnType<typeof studioDatabase>>;
  let collecting: Awaited<ReturnType<typeof collector>>;
  let inputs: CutoverInputs;
  let directory: string;
  const state = { works: true };
  const outside = { ...process.env };

  const spans = (): OtlpSpan[] =>
    collecting.requests.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => [...scope.spans])),
    );
  const logLines = (): Record<string, unknown>[] =>
    readFileSync(join(directory, "run.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  before(async () => {
    database = await studioDatabase({ schema: "jsonb" });
    collecting = await collector();
    directory = mkdtempSync(join(tmpdir(), "mcp-fleet-telemetry-"));
    const { url } = await mcpServer(state);
    const headers = { authorization: "Bearer header-secret" };
    const rows = studioSpec().rows.map((row) => ({ ...row, url, headers }));
    inputs = {
      target: "in-cluster",
      spec: studioSpec({ rows }),
      meta,
      probe: { from: "here", namespace: "tools", consumers: [], deadlineSeconds: 2 },
      targets: rows.map(({ key }) => ({ name: String(key), url, headers })),
      kubernetes: {},
      database: { connect: "direct", tls: "disable" },
    };
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collecting.url;
    process.env.MCP_FLEET_LOG = join(directory, "run.jsonl");
  });

  after(async () => {
    for (const key of ["OTEL_EXPORTER_OTLP_ENDPOINT", "MCP_FLEET_LOG"]) {
      if (outside[key] === undefined) Reflect.deleteProperty(process.env, key);
      else process.env[key] = outside[key];
    }
    collecting.server.close();
    rmSync(directory, { recursive: true, force: true });
    await closeServers();
    await database.drop();
    await stopTestServer();
  });

  it("are one trace, named after the run: the cutover's phases, and the settling", async () => {
    const { runId, generation } = await runCutoverStep(inputs, {
      databaseUrl: database.db.connectionString,
    });
    await runSettleStep(
      {
        ...{ generation, runId, spec: inputs.spec, database: inputs.database, kubernetes: {} },
        ...{ targets: inputs.targets, probe: inputs.probe, workloads: [] },
      },
      { databaseUrl: database.db.connectionString },
    );
    const ids = new Map(spans().map((span) => [span.spanId, span]));
    const shown = spans().map(({ name, parentSpanId }) => {
      const parent = ids.get(parentSpanId ?? "")?.name;
      return parent === undefined ? name : `${parent} > ${name}`;
    });
    assert.deepEqual(shown.sort(), [
      "cutover",
      "cutover > preconditions",
      "cutover > probe",
      "cutover > transaction",
      "settle",
      "settle > probe",
      "settle > settle rows",
    ]);
    for (const { traceId, attributes } of spans()) {
      assert.equal(traceId, runId.replaceAll("-", ""));
      const run = attributes.find(({ key }) => key === "mcp_fleet.run_id");
      assert.deepEqual(run?.value, { stringValue: runId });
    }
    const lines = logLines();
    assert.deepEqual(
      lines.map(({ phase }) => phase).sort(),
      spans()
        .map(({ name }) => name)
        .sort(),
    );
    for (const line of lines) {
      assert.equal(line.run_id, runId);
      assert.ok(ids.has(String(line.span_id)), JSON.stringify(line));
    }
  });

  it("say what failed, and hold no secret", async () => {
    state.works = false;
    const [first, ...rest] = inputs.spec.rows;
    assert.ok(first !== undefined);
    const other = { ...first, url: `${first.url}?other` };
    const changed: CutoverInputs = {
      ...inputs,
      spec: { ...inputs.spec, rows: [other, ...rest] },
      targets: [...inputs.targets, { name: "other", url: other.url }],
    };
    const before = spans().length;
    await assert.rejects(() =>
      runCutoverStep(changed, { databaseUrl: database.db.connectionString }),
    );
    const failed = spans().slice(before);
    assert.deepEqual(
      failed.filter(({ status }) => status.code === 2).map(({ name }) => name),
      ["probe", "cutover"],
    );
    const password = new URL(database.db.connectionString).password;
    assert.ok(password.length > 3);
    const all =
      JSON.stringify(collecting.requests) + readFileSync(join(directory, "run.jsonl"), "utf8");
    for (const secret of [password, "header-secret", "ghp_"]) {
      assert.ok(!all.includes(secret), `${secret.slice(0, 3)}... is in a span or a line`);
    }
  });

  it("load nothing of OpenTelemetry or pino where nobody wants them", () => {
    const script = `require("@mcp-fleet/cutover-runner");
      const found = Object.keys(require.cache).filter((name) => /opentelemetry|pino/.test(name));
      process.stdout.write(JSON.stringify(found));`;
    assert.equal(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }), "[]");
  });

  it("change nothing when the collector is gone", async function () {
    this.timeout(20_000);
    state.works = true;
    collecting.server.close();
    collecting.server.closeAllConnections();
    const started = Date.now();
    const { generation } = await runCutoverStep(inputs, {
      databaseUrl: database.db.connectionString,
    });
    assert.equal(generation, 1);
    assert.ok(Date.now() - started < 10_000, "it waited too long for a collector");
  });
});
