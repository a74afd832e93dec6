import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { messageOf } from "@mcp-fleet/errors";

import type { Studio } from "./studio";

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Studio's pages: `/healthz`, `/ready`, `/servers`, `/mcps`, `/chat` and `/`. */
export function createHttpServer(studio: Studio, log: (text: string) => void): Server {
  const server = createServer((request, response) => {
    answer(studio, request)
      .catch((error: unknown): Answer => {
        log(`${request.method ?? ""} ${pathOf(request)}: ${messageOf(error)}`);
        return { status: 500, body: { error: messageOf(error) } };
      })
      .then((result) => send(studio, request, response, result))
      .catch((error: unknown) => log(messageOf(error)));
  });
  // Longer than the keep-alive of proxies and clients, so that this end never closes first.
  server.keepAliveTimeout = 65_000;
  return server;
}

/**
 * Starts to listen on all addresses.
 *
 * @returns the port in use.
 */
export function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Accepts no new connection, lets running requests end, and closes the rest after `seconds`. */
export function closeServer(server: Server, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), seconds * 1000);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}

async function answer(studio: Studio, request: IncomingMessage): Promise<Answer> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return { status: 405, body: { error: "only GET" } };
  }
  const { mode, pod } = studio.config;
  switch (pathOf(request)) {
    case "/healthz":
      return { status: 200, body: { status: "ok" } };
    case "/ready": {
      const { ready, reason } = studio.readiness();
      return { status: ready ? 200 : 503, body: { ready, reason } };
    }
    case "/servers":
      return { status: 200, body: { mode, pod, servers: studio.servers() } };
    case "/mcps":
      return { status: 200, body: { mode, pod, ...(await studio.rows()) } };
    case "/chat":
      // The chat page re-syncs like the list of servers does.
      return { status: 200, body: { mode, pod, summary: await studio.sync() } };
    case "/":
      return {
        status: 200,
        body: `llmctl-studio (lab), ${mode}, ${pod}: see /servers and /mcps\n`,
      };
    default:
      return { status: 404, body: { error: "no such page" } };
  }
}

function send(
  studio: Studio,
  request: IncomingMessage,
  response: ServerResponse,
  { status, body }: Answer,
): void {
  const plain = typeof body === "string";
  const text = plain ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": plain ? "text/plain; charset=utf-8" : "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    // A client with a keep-alive connection must find another pod before this one is gone.
    ...(studio.isDraining ? { connection: "close" } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

function pathOf(request: IncomingMessage): string {
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
