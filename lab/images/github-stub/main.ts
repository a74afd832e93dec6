#!/usr/bin/env node
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { Command } from "commander";

import { githubStub, stubVersion } from "./server";

/** The real server's size limit for one request, in bytes. */
const bodyLimit = 5 * 1024 * 1024;
const metadataPath = "/.well-known/oauth-protected-resource";

function reply(response: ServerResponse, status: number, headers: Record<string, string>): void {
  response.writeHead(status, { "content-type": "text/plain", ...headers });
  response.end(status === 401 ? "missing required Authorization header\n" : "bad request\n");
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) throw new Error("request body too large");
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

/** One request of the stateless HTTP mode: any path, with a new server and transport each time. */
async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  if (path === metadataPath || path.startsWith(`${metadataPath}/`)) {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ resource_name: "GitHub MCP Server (mcp-fleet lab stub)" }));
    return;
  }
  const authorization = request.headers.authorization;
  if (authorization === undefined) {
    reply(response, 401, {
      "www-authenticate": `Bearer resource_metadata="http://${request.headers.host ?? "localhost"}${metadataPath}"`,
    });
    return;
  }
  if (!/^Bearer \S+$/i.test(authorization)) {
    reply(response, 400, {});
    return;
  }
  let body: unknown;
  if (request.method === "POST") {
    try {
      body = await readBody(request);
    } catch {
      reply(response, 400, {});
      return;
    }
  }
  const server = githubStub();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on("close", () => {
    void transport.close();
    void server.close();
  });
  await server.connect(transport);
  await transport.handleRequest(request, response, body);
}

function serve(port: number): void {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      process.stderr.write(`github-mcp-server (lab stub): ${String(error)}\n`);
      if (!response.headersSent) reply(response, 500, {});
    });
  });
  server.listen(port, () => {
    process.stderr.write(`github-mcp-server (lab stub) ${stubVersion} on port ${port}\n`);
  });
  process.on("SIGTERM", () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => process.exit(0), 5000).unref();
  });
}

async function stdio(): Promise<void> {
  const server = githubStub();
  server.server.onclose = () => process.exit(0);
  process.stdin.on("end", () => process.exit(0));
  await server.connect(new StdioServerTransport());
}

const program = new Command("github-mcp-server")
  .description("mcp-fleet lab stub of the GitHub MCP server: no GitHub behind it")
  .version(stubVersion);
program.command("stdio", { isDefault: true }).action(stdio);
program
  .command("http")
  .option("--port <number>", "port to listen on", "8082")
  .action((options: { port: string }) => serve(Number(options.port)));
void program.parseAsync();
