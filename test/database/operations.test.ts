import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { CheckMetrics, type Fleet, pushMetrics, runChecks, verify } from "@mcp-fleet/operations";
import { type CutoverSpec, runCutover } from "@mcp-fleet/row-cutover";

import { closeServers, initialized, json, serve, toolNamed } from "../unit/mcp-probe/servers";
import {
  meta,
  rowSpec,
  type StudioDatabase,
  studioDatabase,
  studioSpec,
} from "./row-cutover/support";

const recorded = ["create_issue", "get_me", "list_issues"];

describe("verify and its metrics", function () {
  this.timeout(60_000);
  let database: StudioDatabase;
  let listed: readonly string[];
  let fleet: Fleet;

  before(async () => {
    database = await studioDatabase({ schema: "jsonb" });
    const { url } = await serve(({ method, body }, _request, response) => {
      if (method === "DELETE") return response.writeHead(200).end();
      if (body?.method === "initialize") return json(response, initialized(body.id));
      if (body?.method !== "tools/list") return response.writeHead(202).end();
      const tools = listed.map((name) => ({ name, inputSchema: { type: "object" } }));
      return json(response, { jsonrpc: "2.0", id: body.id, result: { tools } });
    });
    const spec: CutoverSpec = studioSpec({
      fence: false,
      rows: [rowSpec("github", { url })],
      deferred: ["google-workspace", "llmctl-mcp", "atlassian", "jira", "chroma", "google-cloud"],
    });
    await runCutover(database.db, spec, "in-cluster", { ...meta, tools: { github: recorded } });
    fleet = {
      target: "in-cluster",
      spec,
      targets: [{ name: "github", url }],
      probe: { from: "here", namespace: "llmctl", consumers: [], deadlineSeconds: 2 },
      kubernetes: {},
      database: { connect: "direct", tls: "disable" },
      servers: { github: url },
      workloads: [],
    };
  });
  beforeEach(() => {
    listed = recorded;
  });
  after(closeServers);
  after(() => database.drop());

  const credentials = (): { databaseUrl: string; kubeconfig: string } => ({
    databaseUrl: database.db.connectionString,
    kubeconfig: "/nonexistent/kubeconfig",
  });

  it("is all well with the recorded tools and a new one", async () => {
    listed = [...recorded, "search"];
    const { failed, recordedIn, servers } = await verify(fleet, credentials());
    assert.deepEqual([failed, recordedIn], [0, 1]);
    assert.deepEqual(servers[0]?.added, ["search"]);
  });

  it("names what is missing and what has another name", async () => {
    listed = ["github_create_issue", "get_me"];
    const { failed, servers } = await verify(fleet, credentials());
    assert.equal(failed, 1);
    assert.equal(
      servers[0]?.problem,
      "The server lists list_issues no more, and calls create_issue now github_create_issue.",
    );
  });

  it("asks the address that a row has now, whoever wrote it", async () => {
    const other = '{"url": "http://127.0.0.1:9/mcp?token=abc", "transport": "streamable-http"}';
    await database.query(
      `update mcp_servers set config_json = '${other}' where server_key = 'github'`,
    );
    const report = await verify(fleet, credentials());
    assert.deepEqual(
      report.servers.map(({ server, ok }) => [server, ok]),
      [
        ["github", true],
        ["github (row)", false],
      ],
    );
    assert.ok(!JSON.stringify(report).includes("abc"));
    const back = JSON.stringify({ url: fleet.targets[0]?.url, transport: "streamable-http" });
    await database.query(
      `update mcp_servers set config_json = '${back}' where server_key = 'github'`,
    );
  });

  it("asks another path of a server for what is asked of the server (issue 16, item 20)", async () => {
    const { url = "" } = fleet.targets[0] ?? {};
    const write = (to: string): Promise<unknown> =>
      database.query("update mcp_servers set config_json = $1 where server_key = 'github'", [
        JSON.stringify({ url: to, transport: "streamable-http" }),
      ]);
    await write(`${url}/`);
    const targets = [{ name: "github", url, requiredTools: ["absent"] }];
    const { servers } = await verify({ ...fleet, targets }, credentials());
    assert.deepEqual(
      servers.map((one) => [one.server, one.url, one.outcome]),
      [
        ["github", url, "missing-tools"],
        ["github (row)", `${url}/`, "missing-tools"],
      ],
    );
    await write(url);
  });

  it("gives a request the time that the server's own setting gives it (issue 18, item 9)", async () => {
    const { url } = await serve((seen, _request, response) => {
      const body = seen.body;
      if (body?.method === "initialize") {
        setTimeout(() => json(response, initialized(body.id)), 600);
      } else if (body?.id === undefined) response.writeHead(202).end();
      else
        json(response, { jsonrpc: "2.0", id: body.id, result: { tools: [toolNamed("get_me")] } });
    });
    const within = async (answerSeconds: number): Promise<string[]> => {
      const targets = [...fleet.targets, { name: "slow", url, answerSeconds }];
      const { servers } = await verify({ ...fleet, targets }, credentials());
      const slow = servers.find(({ server }) => server === "slow");
      return [slow?.outcome ?? "", slow?.problem ?? ""];
    };
    assert.deepEqual(await within(1.5), ["ok", ""]);
    const [outcome, problem = ""] = await within(0.3);
    assert.equal(outcome, "timeout");
    assert.match(problem, /no answer within 0\.3 seconds, the limit of one request/);
  });

  it("becomes metrics, and a check that cannot be done leaves the other one alone", async () => {
    listed = ["get_me"];
    const metrics = new CheckMetrics(fleet.spec.name);
    const round = await runChecks(fleet, credentials(), metrics);
    assert.match(round.errors.join(), /^drift: The kubeconfig/);
    const text = await metrics.registry.metrics();
    const labels = 'cutover="mcp-fleet/test",server="github",consumer="here"';
    for (const line of [
      `mcp_server_verified{${labels}} 0`,
      `mcp_server_tools{${labels}} 1`,
      `mcp_server_missing_tools{${labels}} 2`,
      'mcp_fleet_check_up{cutover="mcp-fleet/test",check="verify"} 1',
      'mcp_fleet_check_up{cutover="mcp-fleet/test",check="drift"} 0',
    ])
      assert.ok(text.includes(line), `${line} is not in\n${text}`);
    const body = await pushedBy(metrics);
    assert.ok(body.startsWith("PUT /metrics/job/mcp-fleet/instance/mcp-fleet_test "), body);
    assert.ok(body.includes(`mcp_server_verified{${labels}} 0`));
  });

  /** The metrics that a Pushgateway would get. */
  async function pushedBy(metrics: CheckMetrics): Promise<string> {
    let seen = "";
    const gateway = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        seen = `${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`;
        response.writeHead(200).end();
      });
    });
    await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
    const { port } = gateway.address() as AddressInfo;
    await pushMetrics(metrics, `http://127.0.0.1:${port}`, fleet.spec.name);
    gateway.close();
    return seen;
  }
});
