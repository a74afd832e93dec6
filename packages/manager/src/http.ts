import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { UserError } from "@mcp-fleet/errors";
import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

import { createManager, type ManagerOptions } from "./server";

/** Where the manager listens, and to whom. */
export interface HttpOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
  /**
   * What a request's `Host` may be, without the port: the defence against DNS rebinding, by which a web page reaches
   * a server of its reader's machine or network. @default the loopback names when `host` is one of them, else any
   */
  readonly allowedHosts?: readonly string[];
  /** Every request has to bring it as `Authorization: Bearer <token>`. @default none */
  readonly token?: string;
}

/** A manager that listens. */
export interface Listening {
  readonly port: number;
  /** Ends after the requests that are being answered, at most a few seconds later. */
  close(): Promise<void>;
}

/** How long requests may still take after {@link Listening.close}, in seconds. */
const drainSeconds = 5;
const loopback = new Set(["127.0.0.1", "::1", "localhost"]);

/**
 * Serves the manager over streamable HTTP at `/mcp`, and `/healthz` for kubelets. It keeps no sessions: any replica
 * answers any request, and a restart breaks no client.
 * @throws {UserError} for an address others can reach without a token
 */
export async function listen(options: ManagerOptions, http: HttpOptions): Promise<Listening> {
  if (!loopback.has(http.host) && http.token === undefined) {
    throw new UserError(
      `Listening on ${http.host} without a token would let everybody who reaches it stop servers.`,
      "Set MCP_FLEET_TOKEN to a secret that clients send as a bearer token, or listen on 127.0.0.1.",
      { exitCode: 2 },
    );
  }
  const app = createMcpExpressApp({
    // Beyond loopback the token keeps web pages out; told of all interfaces, the SDK would warn in the midst of the log.
    host: loopback.has(http.host) ? http.host : "",
    ...(http.allowedHosts === undefined ? {} : { allowedHosts: [...http.allowedHosts] }),
  });
  app.post("/mcp", (request: IncomingMessage & { body?: unknown }, response) => {
    if (!mayAsk(request, http.token)) return refuse(response, 401, "A bearer token is needed.");
    handle(options, request, response).catch((error: unknown) => {
      options.log.error({ err: error }, "request failed");
      if (!response.headersSent) refuse(response, 500, "The manager failed; its log says why.");
    });
  });
  app.all("/mcp", (_request: IncomingMessage, response: ServerResponse) => {
    response.setHeader("allow", "POST");
    refuse(response, 405, "Without sessions there is nothing to GET or DELETE; use POST.");
  });
  const server = createServer((request, response) => {
    // Before the check of `Host`: a kubelet asks by the pod's address.
    if (request.url === "/healthz") response.end("ok\n");
    else app(request, response);
  });
  server.listen(http.port, http.host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  options.log.info({ host: http.host, port, ...options.policy }, "listening");
  return {
    port,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const late = setTimeout(() => server.closeAllConnections(), drainSeconds * 1000);
      await closed;
      clearTimeout(late);
    },
  };
}

async function handle(
  options: ManagerOptions,
  request: IncomingMessage & { body?: unknown },
  response: ServerResponse,
): Promise<void> {
  const manager = createManager(options);
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on("close", () => void manager.close());
  await manager.connect(transport);
  await transport.handleRequest(request, response, request.body);
}

/** Compares digests, which are of one length, in constant time. */
function mayAsk(request: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return true;
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, {
    "content-type": "application/json",
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
  });
  response.end(JSON.stringify({ jsonrpc: "2.0", error: { code: -32000, message }, id: null }));
}
