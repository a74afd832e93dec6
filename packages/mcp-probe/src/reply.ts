import { cleanLine, JsonRefused, parseBoundedJson } from "@mcp-fleet/errors";
import { createParser } from "eventsource-parser";

import { notMcp, type ProbeFailure } from "./failure";

const mib = 1024 * 1024;

/**
 * The largest accepted answer. A page of hundreds of tools with their schemas is far smaller; a larger answer
 * could exhaust the probe's pod, which has 192 MiB.
 */
export const replyBounds = { characters: 4 * mib, depth: 64, values: 200_000 } as const;

/** The parts of a JSON-RPC answer that are used. */
export interface RpcReply {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: unknown; readonly data?: unknown };
}

/** An event stream that ended before the answer, and can be resumed from its last event. */
export interface CutStream {
  readonly lastEventId: string;
  /** The delay that the server asks for, in milliseconds. */
  readonly retryMs: number | undefined;
  /** The failure if it is not resumed. */
  readonly failure: ProbeFailure;
}

/**
 * Reads the answer with this id from a JSON body or an event stream, and then releases the stream: a server may
 * keep it open. Other messages on the stream are ignored.
 * @throws {ProbeFailure} when the body contains no such answer, or one that an official client would reject
 */
export async function readReply(response: Response, id: number): Promise<RpcReply | CutStream> {
  const { status, body, headers } = response;
  if (status === 202 || status === 204) {
    await body?.cancel();
    throw notMcp(
      `answers a request with HTTP ${status} and no body, as MCP answers notifications only`,
    );
  }
  const given = (headers.get("content-type") ?? "").split(";", 1)[0]?.trim() ?? "";
  if (given.toLowerCase() === "text/event-stream") return readStream(response, id);
  if (given.toLowerCase() !== "application/json") {
    await body?.cancel();
    const what = given === "" ? "no content type" : `content type ${cleanLine(given, 80)}`;
    throw notMcp(
      `answers HTTP ${status} with ${what} where MCP has JSON or an event stream; another server listens there, or the path is wrong`,
    );
  }
  const text = await jsonText(response);
  if (text.length > replyBounds.characters) throw tooLong();
  const reply = replyIn(text, id);
  if (typeof reply !== "string") return reply;
  throw notMcp(`answers with ${reply}`);
}

/** Keeps a byte order mark, and rejects invalid UTF-8: the Python client accepts neither. */
async function jsonText(response: Response): Promise<string> {
  try {
    const strict = { ignoreBOM: true, fatal: true };
    return await readText(response, replyBounds.characters + 1, strict);
  } catch (error) {
    const code = error instanceof TypeError && "code" in error ? error.code : undefined;
    throw code === "ERR_ENCODING_INVALID_ENCODED_DATA"
      ? notMcp("answers with JSON that is no UTF-8")
      : error;
  }
}

function tooLong(): ProbeFailure {
  return notMcp(
    `answers with more than ${replyBounds.characters / mib} MiB, the most that is read of one answer`,
  );
}

/** The body as text, cut at `limit` characters. */
export async function readText(
  response: Response,
  limit: number,
  decoding?: { readonly ignoreBOM: boolean; readonly fatal: boolean },
): Promise<string> {
  const body = response.body;
  if (body === null) return "";
  const decoder = new TextDecoder("utf-8", decoding);
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

/**
 * The answer on an event stream. It counts once the blank line after it has arrived: no client accepts the event
 * before. Requests and notifications before it are ignored; anything else ends the reading, as in the Python
 * client.
 */
export async function readStream(response: Response, id: number): Promise<RpcReply | CutStream> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let reply: RpcReply | string | undefined;
  let lastEventId = "";
  let retryMs: number | undefined;
  let length = 0;
  const parser = createParser({
    onRetry: (milliseconds) => (retryMs = milliseconds),
    onEvent: ({ id: eventId, event = "message", data }) => {
      lastEventId = eventId ?? lastEventId;
      // Priming events have no data, and no client reads events of other kinds.
      if (reply !== undefined || data === "" || event !== "message") return;
      const found = replyIn(data, id);
      if (found !== call) reply = found;
    },
  });
  let held = "";
  for await (const chunk of response.body ?? []) {
    const text = decoder.decode(chunk as Uint8Array, { stream: true });
    // The Python client takes a byte order mark for a part of the first field's name.
    const whole = length === 0 ? text.replace(/^\uFEFF/, "_") : held + text;
    length += text.length;
    if (length > replyBounds.characters) throw tooLong();
    // The character after a carriage return decides whether the line ends with it; the TypeScript clients wait
    // for it.
    held = whole.endsWith("\r") ? "\r" : "";
    parser.feed(held === "" ? whole : whole.slice(0, -1));
    if (typeof reply === "string") throw notMcp(`answers with an event stream that holds ${reply}`);
    if (reply !== undefined) return reply;
  }
  const failure = notMcp("ends its event stream without an answer to our request");
  if (lastEventId === "") throw failure;
  return { lastEventId, retryMs, failure };
}

/** The result of {@link replyIn} for a request or a notification. */
const call = "a JSON-RPC request instead of an answer";

/** The answer with this id in a JSON text, or what the text contains instead: a phrase that follows "holds". */
function replyIn(text: string, id: number): RpcReply | string {
  let message: unknown;
  try {
    message = parseBoundedJson(text, replyBounds);
  } catch (error) {
    const beyond = error instanceof JsonRefused && error.message !== "is no JSON";
    return beyond ? `JSON that ${error.message}` : "a text that is no JSON";
  }
  if (/\\u[dD][89a-fA-F]/.test(text) && !wellFormed(message)) {
    return "a text with half of a surrogate pair, as a cut in the middle of a character leaves it";
  }
  if (Array.isArray(message)) {
    return "a JSON array, a batch, which MCP has not had since 2025-06-18";
  }
  if (typeof message !== "object" || message === null || !("jsonrpc" in message)) {
    return "JSON that is no JSON-RPC message";
  }
  if ("method" in message && typeof message.method === "string") return call;
  const has = { result: "result" in message, error: "error" in message };
  if (has.result && has.error) return "a result and an error in one answer";
  if (!has.result && !has.error) return "a JSON-RPC answer with neither result nor error";
  const given = "id" in message ? message.id : undefined;
  // An error may have no id, when the server could not read the request's.
  const ours = given === id || given === String(id);
  if (!ours && !(has.error && (given === undefined || given === null))) {
    return "a JSON-RPC answer whose id is not our request's";
  }
  const unknown = Object.keys(message).find(
    (key) => !["jsonrpc", "id", "result", "error"].includes(key),
  );
  if (has.result && unknown !== undefined) {
    return `a JSON-RPC answer with the unknown key ${JSON.stringify(cleanLine(unknown, 40))}`;
  }
  if (has.result && message.jsonrpc !== "2.0") return 'an answer whose jsonrpc is not "2.0"';
  return message as RpcReply;
}

/** Whether every string and key in a value is well-formed: half a surrogate pair is not a character. */
function wellFormed(value: unknown): boolean {
  if (typeof value === "string") return !/\p{Surrogate}/u.test(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, one]) => wellFormed(key) && wellFormed(one));
}
