import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { UserError } from "@mcp-fleet/errors";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

import { Calls } from "./calls";
import { type Gate, messageIn, refusal, refusalOf, refuse } from "./request";
import { createManager, type ManagerOptions } from "./server";

/** Where the manager listens, and to whom. */
export interface HttpOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
  /**
   * The allowed values of a request's `Host`, without the port. This prevents DNS rebinding, by which a web page
   * reaches a server on its reader's machine or network.
   * @default the loopback names when `host` is one of them, else any
   */
  readonly allowedHosts?: readonly string[];
  /**
   * The token that every request must send as `Authorization: Bearer <token>`.
   * @default none
   */
  readonly token?: string;
}

/** A running server. */
export interface Listening {
  readonly port: number;
  /** Stops accepting requests and waits a few seconds for running ones. */
  close(): Promise<void>;
}

/** How long running requests may take after {@link Listening.close}, in seconds. */
const drainSeconds = 5;
/** Time limits for the head of a request and for the whole request, in seconds. */
const [headSeconds, bodySeconds] = [10, 30];
const maxConnections = 256;
const loopback = new Set(["127.0.0.1", "::1", "localhost"]);
/** The loopback names as `Host` contains them. */
const loopbackHosts = ["127.0.0.1", "[::1]", "localhost"];

/**
 * Serves the manager over streamable HTTP at `/mcp`, and `/healthz` for kubelets. It keeps no sessions: any
 * replica answers any request, and clients survive a restart. At most 32 requests are answered at once.
 * @throws {UserError} for an address that others can reach, without a token
 */
export async function listen(options: ManagerOptions, http: HttpOptions): Promise<Listening> {
  if (!loopback.has(http.host) && http.token === undefined) {
    throw new UserError(
      `Listening on ${http.host} without a token would let anyone who reaches it stop servers.`,
      "Set MCP_FLEET_TOKEN to a secret that clients send as a bearer token, or listen on 127.0.0.1.",
      { exitCode: 2 },
    );
  }
  const gate: Gate = {
    ...(http.token === undefined ? {} : { token: http.token }),
    ...(http.allowedHosts === undefined
      ? loopback.has(http.host)
        ? { hosts: loopbackHosts }
        : {}
      : { hosts: http.allowedHosts }),
  };
  // A waiting call is a waiting request, so they are counted together.
  const requests = new Calls();
  const server = createServer((request, response) => {
    // Before every check: a kubelet uses the pod's address and has no token.
    if (request.url === "/healthz") return void response.end("ok\n");
    answerTo(options, request, response, gate, requests).catch((error: unknown) => {
      options.log.error({ err: error }, "request failed");
      if (response.headersSent) response.destroy();
      else refuse(response, { ...failed, status: 500 });
    });
  });
  // Slow clients and many connections cannot occupy more than this.
  server.headersTimeout = headSeconds * 1000;
  server.requestTimeout = bodySeconds * 1000;
  server.maxConnections = maxConnections;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const late = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    const status = late ? "408 Request Timeout" : "400 Bad Request";
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\n${jsonHead}\r\n\r\n${noRequest}`);
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

/** The answer to bytes that are not a request, or arrive too late. */
const noRequest = JSON.stringify({
  jsonrpc: "2.0",
  error: { code: -32700, message: "This is not an HTTP request, or it arrived too late." },
  id: null,
});
const jsonHead = `content-type: application/json\r\ncontent-length: ${noRequest.length}\r\nconnection: close`;

const failed = { status: 500, code: -32603, message: "The manager failed; its log says why." };

/** First the head is checked, then the limit, then the body. Every answer is JSON. */
async function answerTo(
  options: ManagerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  gate: Gate,
  requests: Calls,
): Promise<void> {
  const refused = refusalOf(request, gate);
  if (refused !== undefined) return refuse(response, refused);
  if (!requests.begin()) {
    const busy = refusal(503, "Too many calls are under way; try again in some seconds.");
    return refuse(response, { ...busy, headers: { "retry-after": "5" } });
  }
  response.once("close", () => requests.end());
  const read = await messageIn(request);
  if ("status" in read) return refuse(response, read);
  const manager = createManager(options);
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on("close", () => void manager.close());
  await manager.connect(transport);
  await transport.handleRequest(request, response, read.message);
}
