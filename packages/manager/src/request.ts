import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

import { JsonRefused, parseBoundedJson } from "@mcp-fleet/errors";

/** A client's message: a call with a name and some arguments. */
const bounds = { characters: 256 * 1024, depth: 32, values: 10_000 } as const;

/** Why a request is rejected. */
export interface Refusal {
  readonly status: number;
  /** The code of JSON-RPC. */
  readonly code: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The checks of a request before its body is read. */
export interface Gate {
  readonly token?: string;
  /** Allowed values of `Host`, without the port. Undefined: any. */
  readonly hosts?: readonly string[];
}

/** Why a request is rejected, judging by its head only: host, origin, token, path and method, in this order. */
export function refusalOf(request: IncomingMessage, { token, hosts }: Gate): Refusal | undefined {
  const { host, origin } = request.headers;
  if (hosts !== undefined && !hosts.includes(hostOf(host)))
    return refusal(403, "This Host is not one of this server.");
  // Agents send no Origin. A page in a browser does, and no page is served here.
  if (origin !== undefined && !(hosts ?? []).includes(originHost(origin)))
    return refusal(403, "Pages of other origins may not call this server.");
  if (!mayAsk(request, token)) {
    const headers = { "www-authenticate": "Bearer" };
    return { ...refusal(401, "A bearer token is needed."), headers };
  }
  if (request.url?.split("?", 1)[0] !== "/mcp")
    return refusal(404, "There is nothing here; MCP is at /mcp.");
  if (request.method === "POST") return undefined;
  const none = "Without sessions there is nothing to GET or DELETE; use POST.";
  return { ...refusal(405, none), headers: { allow: "POST" } };
}

/** The request's message, or why there is none. */
export async function messageIn(request: IncomingMessage): Promise<{ message: object } | Refusal> {
  const parts: Buffer[] = [];
  let length = 0;
  // The connection stays open, so that the sender of a too long message gets its answer.
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    length += (part as Buffer).length;
    if (length > bounds.characters)
      return { ...refusal(413, "The message is too long."), headers: { connection: "close" } };
    parts.push(part as Buffer);
  }
  let message: unknown;
  try {
    message = parseBoundedJson(Buffer.concat(parts).toString("utf8"), bounds);
  } catch (error) {
    const what = error instanceof JsonRefused ? error.message : "cannot be read";
    return { status: 400, code: -32700, message: `The message ${what}.` };
  }
  if (typeof message === "object" && message !== null && !Array.isArray(message))
    return { message };
  const one = "Send one message at a time, as a JSON object.";
  return { status: 400, code: -32600, message: one };
}

/** Answers a rejected request in JSON-RPC. */
export function refuse(response: ServerResponse, refused: Refusal): void {
  const { status, code, message, headers } = refused;
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ jsonrpc: "2.0", error: { code, message }, id: null }));
}

export function refusal(status: number, message: string): Refusal {
  return { status, code: -32000, message };
}

function hostOf(host: string | undefined): string {
  return /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host ?? "")?.[1] ?? "";
}

function originHost(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname : "";
}

/** Compares digests, which have the same length, in constant time. */
function mayAsk(request: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return true;
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
