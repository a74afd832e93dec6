import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";

import { probe } from "@mcp-fleet/mcp-probe";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { createMcpHandler, McpServer as ModernMcpServer } from "@modelcontextprotocol/server";

import { freePort } from "../../support/port";
import { closeServers, serve, type TestServer } from "./servers";

const quick = { deadlineSeconds: 10, retryDelaySeconds: 0.05 };

/** A server made with the official SDK; stateful ones keep one transport per session. */
async function sdkServer(stateful: boolean, jsonReplies: boolean): Promise<TestServer> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  return serve(async (seen, req, res) => {
    const known = sessions.get(String(seen.headers["mcp-session-id"]));
    if (known !== undefined) return known.handleRequest(req, res, seen.body);
    const server = new McpServer({ name: "sdk-server", version: "1.2.3" });
    server.registerTool("alpha", {}, () => ({ content: [] }));
    server.registerTool("beta", {}, () => ({ content: [] }));
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: stateful ? randomUUID : undefined,
      enableJsonResponse: jsonReplies,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await server.connect(transport);
    await transport.handleRequest(req, res, seen.body);
  });
}

describe("mcp-probe against servers of the official SDK", () => {
  afterEach(closeServers);

  for (const stateful of [true, false]) {
    for (const jsonReplies of [true, false]) {
      const kind = `${stateful ? "stateful" : "stateless"}, ${jsonReplies ? "JSON" : "event stream"}`;
      it(`passes and lists the tools (${kind})`, async () => {
        const server = await sdkServer(stateful, jsonReplies);
        const result = await probe({ name: "sdk", url: server.url }, quick);
        assert.equal(result.ok, true, result.message);
        assert.deepEqual(result.tools, ["alpha", "beta"]);
        assert.equal(result.protocolVersion, "2025-11-25");
        assert.equal(result.serverName, "sdk-server");
        assert.equal(result.serverVersion, "1.2.3");
        assert.match(
          result.message,
          /^sdk: http:.*\/mcp speaks MCP 2025-11-25 and lists 2 tools\.$/,
        );
        const handshake = ["POST initialize", "POST notifications/initialized", "POST tools/list"];
        assert.deepEqual(server.asked(), stateful ? [...handshake, "DELETE"] : handshake);
      });
    }
  }

  it("sends the headers the protocol wants and no Origin", async () => {
    const server = await sdkServer(true, true);
    await probe({ name: "sdk", url: server.url, headers: { "X-Team": "blue" } }, quick);
    const [first, second, , end] = server.seen;
    assert.equal(first?.headers.accept, "application/json, text/event-stream");
    assert.equal(first?.headers["mcp-session-id"], undefined);
    assert.equal(second?.headers["mcp-protocol-version"], "2025-11-25");
    assert.notEqual(second?.headers["mcp-session-id"], undefined);
    assert.equal(end?.headers["mcp-session-id"], second?.headers["mcp-session-id"]);
    for (const { headers } of server.seen) {
      assert.equal(headers["x-team"], "blue");
      assert.equal(headers.origin, undefined);
    }
  });

  it("asks server/discover where only 2026-07-28 is spoken", async () => {
    const handler = createMcpHandler(
      () => {
        const server = new ModernMcpServer({ name: "modern", version: "3.0.0" });
        server.registerTool("gamma", {}, () => ({ content: [] }));
        return server;
      },
      { legacy: "reject" },
    );
    const node = toNodeHandler(handler);
    const server = await serve((seen, req, res) => node(req, res, seen.body));
    const protocols = ["2025-11-25", "2026-07-28"];
    const result = await probe({ name: "modern", url: server.url }, { ...quick, protocols });
    assert.equal(result.ok, true, result.message);
    assert.equal(result.protocolVersion, "2026-07-28");
    assert.equal(result.serverName, "modern");
    assert.deepEqual(result.tools, ["gamma"]);
    assert.deepEqual(server.asked(), ["POST server/discover", "POST tools/list"]);
  });

  it("passes for server-everything, the stand-in of the private server", async () => {
    const port = await freePort();
    const everything = startEverything(port);
    try {
      const url = `http://127.0.0.1:${port}/mcp`;
      // It starts while the probe is already running: refused connections are retried.
      const result = await probe(
        { name: "everything", url, requiredTools: ["echo"] },
        { deadlineSeconds: 25 },
      );
      assert.equal(result.ok, true, result.message);
      assert.ok((result.tools?.length ?? 0) > 5);
    } finally {
      everything.kill("SIGKILL");
    }
  });
});

function startEverything(port: number): ChildProcess {
  const root = dirname(require.resolve("@modelcontextprotocol/server-everything/package.json"));
  return spawn(process.execPath, [join(root, "dist/index.js"), "streamableHttp"], {
    env: { ...process.env, PORT: String(port) },
    stdio: "ignore",
  });
}
