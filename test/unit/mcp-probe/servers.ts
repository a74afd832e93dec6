import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { createServer as createSecure } from "node:https";
import type { AddressInfo } from "node:net";

/** A request as the server received it. */
interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  /** The parsed JSON body; undefined when there was none. */
  readonly body: { id?: number; method?: string; params?: Record<string, unknown> } | undefined;
}

/** Answers one request, which `seen` describes. */
export type Handler = (seen: SeenRequest, req: IncomingMessage, res: ServerResponse) => unknown;

/** A test's listening server and the requests it received. */
export interface TestServer {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** JSON-RPC methods and HTTP methods in order, such as `POST initialize`. */
  readonly asked: () => string[];
}

const closers: (() => Promise<void>)[] = [];

/**
 * Starts a server on a free loopback port; {@link closeServers} stops it.
 * @param tls if given, it speaks only TLS
 */
export async function serve(
  handler: Handler,
  path = "/mcp",
  tls?: { readonly key: string; readonly cert: string },
): Promise<TestServer> {
  const seen: SeenRequest[] = [];
  const answer: RequestListener = (req, res) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const body = text === "" ? undefined : (JSON.parse(text) as SeenRequest["body"]);
      const request = { method: req.method ?? "", path: req.url ?? "", headers: req.headers, body };
      seen.push(request);
      await handler(request, req, res);
    })().catch((error: unknown) => res.destroy(error as Error));
  };
  const server = tls === undefined ? createServer(answer) : createSecure({ ...tls }, answer);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  closers.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}${path}`,
    seen,
    asked: () => seen.map(({ method, body }) => [method, body?.method ?? ""].join(" ").trim()),
  };
}

/** Ends every server that {@link serve} started. */
export async function closeServers(): Promise<void> {
  await Promise.all(closers.splice(0).map((close) => close()));
}

/** Answers with JSON and a status. */
export function json(res: ServerResponse, value: unknown, status = 200): void {
  res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** A tool that clients accept. */
export function toolNamed(name: string): object {
  return { name, inputSchema: { type: "object" } };
}

/** A correct answer to `initialize` with tools. */
export function initialized(id: number | undefined, capabilities: object = { tools: {} }): object {
  const serverInfo = { name: "hand-written", version: "9" };
  return {
    jsonrpc: "2.0",
    id,
    result: { protocolVersion: "2025-06-18", capabilities, serverInfo },
  };
}

/** An MCP server that answers as long as `state.works`. */
export function mcpServer(
  state: { works: boolean },
  tls?: { readonly key: string; readonly cert: string },
): Promise<TestServer> {
  return serve(
    (seen, _req, res) => {
      const { id, method } = seen.body ?? {};
      if (!state.works) return res.writeHead(500).end("no backend");
      if (id === undefined) return res.writeHead(202).end();
      if (method === "initialize") return json(res, initialized(id));
      return json(res, { jsonrpc: "2.0", id, result: { tools: ["a", "b"].map(toolNamed) } });
    },
    "/mcp",
    tls,
  );
}
