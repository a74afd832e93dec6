import { toNodeHandler } from "@modelcontextprotocol/node";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { createMcpHandler, McpServer as ModernMcpServer } from "@modelcontextprotocol/server";

import { serve, type TestServer } from "../unit/mcp-probe/servers";

/** A server of the official SDK's first major version: a handshake, up to 2025-11-25. */
export function olderServer(): Promise<TestServer> {
  return serve(async (seen, req, res) => {
    const server = new McpServer({ name: "older", version: "1.0.0" });
    server.registerTool("alpha", {}, () => ({ content: [] }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    await server.connect(transport);
    await transport.handleRequest(req, res, seen.body);
  });
}

/** A server of the second major version, which speaks 2026-07-28, and older versions only if allowed. */
export function modernServer(legacy: "reject" | "stateless"): Promise<TestServer> {
  const handler = createMcpHandler(
    () => {
      const server = new ModernMcpServer({ name: "modern", version: "2.0.0" });
      server.registerTool("alpha", {}, () => ({ content: [] }));
      return server;
    },
    { legacy },
  );
  const node = toNodeHandler(handler);
  return serve((seen, req, res) => node(req, res, seen.body));
}
