import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A JSON-RPC message as a client sent it. */
interface Asked {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** One request to a stub. */
export interface Request {
  readonly asked: Asked;
  readonly headers: IncomingMessage["headers"];
  readonly path: string;
  readonly response: ServerResponse;
  /** The answer of a correct server; undefined for a notification. */
  readonly result: Readonly<Record<string, unknown>> | undefined;
}

/** A correct server, except for the overridden parts. */
export interface Stub {
  /** Whether it speaks 2026-07-28 instead of the versions with a handshake. @default false */
  readonly modern?: boolean;
  readonly discover?: (result: Readonly<Record<string, unknown>>) => unknown;
  /** Changes the results of a correct server. */
  readonly initialize?: (result: Readonly<Record<string, unknown>>) => unknown;
  readonly tools?: (
    result: Readonly<Record<string, unknown>>,
    params: Readonly<Record<string, unknown>>,
  ) => unknown;
  /** Writes the answer to a request. @default as JSON */
  readonly write?: (request: Request, message: object) => void;
  /** Answers a notification. @default 202 */
  readonly notified?: (response: ServerResponse) => void;
  /** Answers GET. @default 405 */
  readonly get?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** A tool that every client accepts. */
export const tool = { name: "search", description: "Searches.", inputSchema: { type: "object" } };

/** What a correct server says about itself. */
const introduction = {
  protocolVersion: "2025-06-18",
  capabilities: { tools: {} },
  serverInfo: { name: "stub", version: "1" },
};

const modernVersion = "2026-07-28";
const cache = { ttlMs: 0, cacheScope: "private" };

/** Writes one JSON-RPC message as the body. */
export function writeJson({ response }: Request, message: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(message));
}

/** Serves each stub at `/<index>/mcp` until `close` is called. */
export async function serveStubs(
  stubs: readonly Stub[],
): Promise<{ readonly urls: readonly string[]; readonly close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const stub = stubs[Number(/^\/(\d+)\/mcp\b/.exec(request.url ?? "")?.[1])];
    void answer(stub, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urls: stubs.map((_, index) => `http://127.0.0.1:${port}/${index}/mcp`),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function answer(
  stub: Stub | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (stub === undefined) return void response.writeHead(404).end();
  if (request.method === "GET") {
    if (stub.get !== undefined) return stub.get(request, response);
    return void response.writeHead(405).end();
  }
  if (request.method !== "POST") return void response.writeHead(405).end();
  const asked = JSON.parse(Buffer.concat(chunks).toString()) as Asked;
  const { headers } = request;
  if (asked.id === undefined) {
    if (stub.notified !== undefined) return stub.notified(response);
    return void response.writeHead(202).end();
  }
  const result = resultFor(stub, asked);
  const message =
    result === undefined
      ? { jsonrpc: "2.0", id: asked.id, error: { code: -32601, message: "Method not found" } }
      : { jsonrpc: "2.0", id: asked.id, result };
  const path = request.url ?? "";
  const whole = { asked, headers, path, response, result: result as Request["result"] };
  if (stub.write !== undefined) return stub.write(whole, message);
  writeJson(whole, message, result === undefined && stub.modern === true ? 404 : 200);
}

const same = (result: Readonly<Record<string, unknown>>): unknown => result;

function resultFor(stub: Stub, { method, params }: Asked): unknown {
  const modern = stub.modern === true;
  if (method === "server/discover" && modern) {
    const { capabilities } = introduction;
    const result = { resultType: "complete", supportedVersions: [modernVersion], capabilities };
    return (stub.discover ?? same)({ ...result, ...cache });
  }
  if (method === "initialize" && !modern) {
    const offered = params?.protocolVersion;
    const protocolVersion = offered === "2025-11-25" ? offered : introduction.protocolVersion;
    const result = { ...introduction, protocolVersion };
    return stub.initialize === undefined ? result : stub.initialize(result);
  }
  if (method === "tools/list") {
    const result = { tools: [tool], ...(modern ? { resultType: "complete", ...cache } : {}) };
    return (stub.tools ?? same)(result, params ?? {});
  }
  return undefined;
}
