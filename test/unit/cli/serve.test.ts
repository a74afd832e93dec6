import assert from "node:assert/strict";
import { request } from "node:http";

import type { UserError } from "@mcp-fleet/errors";
import type { Kube } from "@mcp-fleet/kube";
import { listen, type Listening, type ManagerPolicy } from "@mcp-fleet/manager";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import pino from "pino";

import { sendJson, type StubApi, stubApi } from "../../support/api-server";

const everything: ManagerPolicy = { allowForceStop: true, allowScaleToZero: true };
const version = "1.2.3";
const token = "s3cret-token-of-the-manager";

function deployment(replicas: number): object {
  const labels = { "app.kubernetes.io/component": "mcp-server" };
  return {
    metadata: { name: "x", namespace: "n", uid: "u", resourceVersion: "5", labels },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels } } },
    status: { replicas: 1, readyReplicas: 1, availableReplicas: 1, updatedReplicas: 1 },
  };
}

describe("mcp-fleet serve", () => {
  let api: StubApi;
  let kube: Kube;
  let patches: number;
  let running: Listening;
  const logged: Record<string, unknown>[] = [];
  const log = pino(
    { base: null },
    { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) },
  );

  before(async () => {
    api = await stubApi((incoming, response, url) => {
      if (incoming.method === "PATCH") {
        patches += 1;
        return sendJson(response, 200, {});
      }
      if (url.pathname.endsWith("/deployments/x")) return sendJson(response, 200, deployment(1));
      if (/\/(deployments|statefulsets)\//.test(url.pathname))
        return sendJson(response, 404, { message: "not found" });
      if (url.pathname.endsWith("/deployments"))
        return sendJson(response, 200, { items: [deployment(1)] });
      return sendJson(response, 200, { items: [] });
    });
    kube = await api.kube();
  });
  after(() => api.die());
  beforeEach(() => {
    patches = 0;
    logged.length = 0;
  });
  afterEach(async () => running?.close());

  const serve = async (policy: ManagerPolicy = everything): Promise<Client> => {
    running = await listen({ version, kube, policy, log }, { host: "127.0.0.1", port: 0, token });
    const client = new Client({ name: "test", version: "1" });
    const headers = { authorization: `Bearer ${token}` };
    const url = new URL(`http://127.0.0.1:${running.port}/mcp`);
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
    return client;
  };
  const textOf = (result: unknown): string =>
    (result as { content: { text: string }[] }).content.map(({ text }) => text).join("\n");

  it("says of each tool what it may do", async () => {
    const client = await serve();
    assert.equal(client.getServerVersion()?.version, version);
    const { tools } = await client.listTools();
    const hints = tools.map(({ name, annotations: a }) => [
      name,
      a?.readOnlyHint,
      a?.destructiveHint ?? null,
      a?.idempotentHint ?? null,
    ]);
    assert.deepEqual(hints, [
      ["list_mcp_servers", true, null, null],
      ["get_mcp_status", true, null, null],
      ["start_mcp", false, false, true],
      ["scale_mcp", false, true, true],
      ["stop_mcp", false, true, true],
    ]);
    assert.ok(tools.every(({ outputSchema }) => outputSchema?.type === "object"));
    await client.close();
  });

  it("answers in the form its schemas promise, which the client checks, and logs the call", async () => {
    const client = await serve();
    const list = await client.callTool({ name: "list_mcp_servers" });
    const [server] = (list.structuredContent as { servers: object[] }).servers;
    assert.deepEqual(server, {
      name: "x",
      namespace: "n",
      kind: "Deployment",
      workload: "x",
      services: [],
      endpoints: [],
      obstacles: ["no Service selects its pods, so no client reaches it"],
      status: "running",
      replicas: 1,
      readyReplicas: 1,
    });
    const status = await client.callTool({ name: "get_mcp_status", arguments: { name: "x" } });
    assert.equal((status.structuredContent as { replicas: number }).replicas, 1);
    const stopped = await client.callTool({ name: "stop_mcp", arguments: { name: "x" } });
    assert.equal((stopped.structuredContent as { after: number }).after, 0);
    assert.equal(patches, 1);
    const calls = logged.filter(({ msg }) => msg === "tool called");
    assert.deepEqual(
      calls.map(({ tool }) => tool),
      ["list_mcp_servers", "get_mcp_status", "stop_mcp"],
    );
    await client.close();
  });

  it("refuses what is wrong in two sentences, as a tool's error", async () => {
    const client = await serve();
    const missing = await client.callTool({ name: "start_mcp", arguments: { name: "nobody" } });
    assert.equal(missing.isError, true);
    assert.match(textOf(missing), /^There is no server "nobody" in namespace n\.\nSee them with/);
    for (const replicas of [11, -1, 1.5]) {
      const much = await client.callTool({ name: "scale_mcp", arguments: { name: "x", replicas } });
      assert.equal(much.isError, true);
    }
    assert.equal(patches, 0);
    await client.close();
  });

  it("has what is switched off neither as a tool nor by another tool's argument", async () => {
    const client = await serve({ allowForceStop: false, allowScaleToZero: false });
    const { tools } = await client.listTools();
    assert.ok(!tools.some(({ name }) => name === "stop_mcp"));
    const zero = await client.callTool({
      name: "scale_mcp",
      arguments: { name: "x", replicas: 0 },
    });
    assert.equal(zero.isError, true);
    await client.close();
    await running.close();
    const gentle = await serve({ allowForceStop: false, allowScaleToZero: true });
    const forced = { name: "stop_mcp", arguments: { name: "x", force: true } };
    const result = await gentle.callTool(forced);
    assert.match(textOf(result), /^Ending pods without their grace period is switched off/);
    assert.equal(patches, 0);
    await gentle.close();
  });

  it("wants the token, the right Host, and POST; /healthz wants nothing", async () => {
    const client = await serve();
    await client.close();
    const ask = (path: string, method: string, headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = request(
          { host: "127.0.0.1", port: running.port, path, method, headers },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode ?? 0);
          },
        );
        sent.on("error", reject).end();
      });
    const bearer = { authorization: `Bearer ${token}` };
    assert.equal(await ask("/mcp", "POST", {}), 401);
    assert.equal(await ask("/mcp", "POST", { authorization: "Bearer wrong" }), 401);
    assert.equal(await ask("/mcp", "POST", { ...bearer, host: "evil.example.com" }), 403);
    assert.equal(await ask("/mcp", "GET", bearer), 405);
    assert.equal(await ask("/healthz", "GET", { host: "10.0.0.7:8080" }), 200);
    assert.ok(!JSON.stringify(logged).includes(token));
  });

  it("does not listen for others without a token", async () => {
    const open = listen({ version, kube, policy: everything, log }, { host: "0.0.0.0", port: 0 });
    await assert.rejects(open, (error: UserError) => /MCP_FLEET_TOKEN/.test(error.fix));
  });
});
