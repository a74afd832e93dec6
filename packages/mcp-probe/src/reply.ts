import { cleanLine, parseBoundedJson } from "@mcp-fleet/errors";
import { createParser } from "eventsource-parser";

import { ProbeFailure } from "./failure";

/**
 * The largest answer that is taken in. A page of hundreds of tools with their schemas stays far below; above it the
 * probe's pod, which has 192 MiB, would not live to say what it saw.
 */
export const replyBounds = { characters: 4 * 1024 * 1024, depth: 64, values: 200_000 } as const;

/** The parts of a JSON-RPC answer that are looked at. */
export interface RpcReply {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: unknown; readonly data?: unknown };
}

/**
 * Reads the answer with this id out of a JSON body or an event stream and then lets the stream go: a
 * server may keep it open. Other messages on the stream are passed over.
 * @throws {ProbeFailure} when the body is no such answer
 */
export async function readReply(response: Response, id: number): Promise<RpcReply> {
  const given = (response.headers.get("content-type") ?? "").split(";", 1)[0]?.trim();
  const type = given?.toLowerCase();
  if (type === "text/event-stream") return readStream(response, id);
  const text = await readText(response, replyBounds.characters + 1);
  if (type !== "application/json") {
    const what =
      type === undefined || type === ""
        ? "no content type"
        : `content type ${cleanLine(given ?? "", 80)}`;
    throw new ProbeFailure(
      "not-mcp",
      "few",
      `answers HTTP ${response.status} with ${what} where MCP has JSON or an event stream; another server listens there, or the path is wrong`,
    );
  }
  if (text.length > replyBounds.characters) throw tooLong();
  const reply = replyIn(text, id);
  if (reply !== undefined) return reply;
  throw new ProbeFailure(
    "not-mcp",
    "few",
    "answers with JSON that is no JSON-RPC answer to our request, or is nested or filled beyond any",
  );
}

function tooLong(): ProbeFailure {
  const mib = replyBounds.characters / (1024 * 1024);
  return new ProbeFailure("not-mcp", "few", `answers with more than ${mib} MiB, which no list is`);
}

/** The body as text, cut at `limit` characters. */
export async function readText(response: Response, limit: number): Promise<string> {
  const body = response.body;
  if (body === null) return "";
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let length = 0;
  for await (const chunk of body) {
    const part = decoder.decode(chunk as Uint8Array, { stream: true });
    parts.push(part);
    length += part.length;
    if (length > limit) break; // leaving the loop cancels the body
  }
  return (parts.join("") + decoder.decode()).slice(0, limit);
}

async function readStream(response: Response, id: number): Promise<RpcReply> {
  const body = response.body;
  const decoder = new TextDecoder();
  let reply: RpcReply | undefined;
  let length = 0;
  const parser = createParser({
    onEvent: (event) => {
      reply ??= replyIn(event.data, id);
    },
  });
  if (body !== null) {
    for await (const chunk of body) {
      const text = decoder.decode(chunk as Uint8Array, { stream: true });
      length += text.length;
      if (length > replyBounds.characters) throw tooLong();
      parser.feed(text);
      if (reply !== undefined) break;
    }
  }
  // A proxy may drop the blank line that ends the last event.
  if (reply === undefined) parser.feed("\n\n");
  if (reply !== undefined) return reply;
  throw new ProbeFailure(
    "not-mcp",
    "few",
    "ends its event stream without an answer to our request",
  );
}

/** The answer with this id in a JSON text, which may be a batch. An error may come without an id. */
function replyIn(text: string, id: number): RpcReply | undefined {
  let parsed: unknown;
  try {
    parsed = parseBoundedJson(text, replyBounds);
  } catch {
    return undefined;
  }
  const messages: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return messages.find((message): message is RpcReply => {
    if (typeof message !== "object" || message === null) return false;
    if ("method" in message || !("jsonrpc" in message)) return false;
    const ours = "id" in message && message.id === id;
    return "error" in message
      ? ours || !("id" in message) || message.id === null
      : ours && "result" in message;
  });
}
