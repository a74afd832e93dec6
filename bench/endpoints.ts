/** MCP endpoints in a process of their own: any path answers, but for one that never does. Prints its port. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** The path that takes a request and never answers. */
export const hangingPath = "/hangs";

const tools = Array.from({ length: 10 }, (_, n) => ({
  name: `tool_${n}`,
  description: "One of ten.",
  inputSchema: { type: "object" },
}));

const results: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: "2025-11-25",
    capabilities: { tools: {} },
    serverInfo: { name: "bench", version: "1" },
  },
  "tools/list": { tools },
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === hangingPath) return;
  if (request.method === "DELETE") {
    response.writeHead(204).end();
    return;
  }
  const { id, method } = JSON.parse(await text(request)) as { id?: number; method: string };
  if (id === undefined) {
    response.writeHead(202).end();
    return;
  }
  response.writeHead(200, { "content-type": "application/json", "mcp-session-id": "bench" });
  response.end(JSON.stringify({ jsonrpc: "2.0", id, result: results[method] }));
}

if (require.main === module) {
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
  });
}
