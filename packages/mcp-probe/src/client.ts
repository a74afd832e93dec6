import { setTimeout as sleep } from "node:timers/promises";

import { parseBoundedJson, timeLimit } from "@mcp-fleet/errors";

import { accessFailure, hostCheckFailure } from "./access";
import { notMcp, ProbeFailure } from "./failure";
import { networkFailure, wasClosed } from "./network";
import {
  type CutStream,
  readReply,
  readStream,
  readText,
  replyBounds,
  type RpcReply,
} from "./reply";
import { limited, type RequestLimits } from "./request-limits";
import { isRpcError, rpcErrorIn, rpcErrorText, rpcFailure, withCode } from "./rpc-error";
import { cleaner } from "./shown";
import { statusFailure } from "./status";
import { speaksTls } from "./tls";
import { fetchOf } from "./trust";
import type { ProbeTarget } from "./types";

/** Sent as `User-Agent` and as the MCP client's name, so that a server's log shows the probe. */
export const clientInfo = { name: "mcp-fleet-probe", version: "0.1.0" } as const;

/** How often a stream that ends before the answer is resumed. */
const maxResumes = 20;

/** Longest body of an error that is read, in characters. */
const maxRefusal = 64 * 1024;

/**
 * JSON-RPC over HTTP POST to one endpoint. It never follows a redirect, and sends GET only to resume an event
 * stream that the server started and cut.
 */
export class McpClient {
  private nextId = 0;
  private readonly url: URL;
  private readonly clean: ReturnType<typeof cleaner>;
  private readonly fetch: typeof fetch;
  /** Headers that the protocol requires on later requests: version, session, method. */
  readonly protocolHeaders = new Headers();

  constructor(
    private readonly target: ProbeTarget,
    private readonly limits: RequestLimits,
  ) {
    this.clean = cleaner(target.headers ?? {});
    this.url = parseUrl(target.url);
    this.fetch = fetchOf(target);
  }

  /**
   * Sends a request and returns its `result` with the answer's headers.
   * @throws {ProbeFailure} for everything else; `RpcFailure` when the server answered with an error
   */
  async request(method: string, params: object): Promise<{ result: unknown; headers: Headers }> {
    this.nextId += 1;
    const id = this.nextId;
    return this.send({ jsonrpc: "2.0", id, method, params }, method, async (response, signal) => {
      const reply = await this.replyOf(await readReply(response, id), { id, method, signal });
      if (reply.error !== undefined) {
        throw rpcFailure(method, reply.error, { status: response.status, clean: this.clean });
      }
      return { result: reply.result, headers: response.headers };
    });
  }

  /** Sends a notification. Any status from 200 to 299 is accepted. */
  async notify(method: string): Promise<void> {
    await this.send({ jsonrpc: "2.0", method }, method, async (response) => {
      await response.body?.cancel();
    });
  }

  /** Resets the protocol headers: the next request starts another era. */
  forget(): void {
    for (const name of [...this.protocolHeaders.keys()]) this.protocolHeaders.delete(name);
  }

  /** Ends the server's session. Best effort: a server may reject it with 405, or be gone. */
  async deleteSession(): Promise<void> {
    const signal = timeLimit(Math.min(this.limits.requestTimeoutSeconds, 2));
    try {
      const headers = this.headers();
      const response = await this.fetch(this.url, {
        method: "DELETE",
        headers,
        redirect: "manual",
        signal,
      });
      await response.body?.cancel();
    } catch {
      // The result is known by now; the server expires an orphaned session.
    }
  }

  private async send<T>(
    message: object,
    method: string,
    read: (response: Response, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const headers = this.headers();
    headers.set("content-type", "application/json");
    headers.set("accept", "application/json, text/event-stream");
    const { signal, end } = limited(this.limits);
    try {
      const response = await this.fetch(this.url, {
        method: "POST",
        headers,
        body: JSON.stringify(message),
        redirect: "manual",
        signal,
      });
      if (response.ok) return await read(response, signal);
      throw await this.refusal(response, method, signal);
    } catch (error) {
      const secure = this.url.protocol === "https:";
      const tls = !secure && !signal.aborted && wasClosed(error) && (await speaksTls(this.url));
      throw networkFailure(error, {
        ...{ signal, secure, speaksTls: tls, ownAuthority: this.target.ca !== undefined },
        ownAddress: this.target.address !== undefined,
        ...(this.limits.deadline.aborted
          ? { seconds: this.limits.deadlineSeconds, what: "deadline" }
          : { seconds: this.limits.requestTimeoutSeconds, what: "limit of one request" }),
      });
    } finally {
      end();
    }
  }

  /** Resumes a stream from its last event, as the official clients do. */
  private async replyOf(
    first: RpcReply | CutStream,
    { id, method, signal }: { id: number; method: string; signal: AbortSignal },
  ): Promise<RpcReply> {
    let reply = first;
    for (let resumes = 0; "lastEventId" in reply; resumes += 1) {
      if (resumes === maxResumes) throw reply.failure;
      const { retryMs = 1000, lastEventId } = reply;
      const limit = this.limits.requestTimeoutSeconds;
      if (retryMs > limit * 1000)
        throw cutFailure(
          `asks to resume it only after ${retryMs} milliseconds, and ${limit} seconds are the limit of one request`,
        );
      if (!/^[\x20-\x7e]+$/.test(lastEventId))
        throw cutFailure("names its last event by an id that no HTTP header can contain");
      await sleep(retryMs, undefined, { signal });
      const headers = this.headers();
      headers.set("accept", "text/event-stream");
      headers.set("last-event-id", lastEventId);
      const response = await this.fetch(this.url, { headers, redirect: "manual", signal });
      if (response.status === 405) throw cutFailure("rejects the GET that resumes it (HTTP 405)");
      if (!response.ok) throw await this.refusal(response, method, signal);
      reply = await readStream(response, id);
    }
    return reply;
  }

  private headers(): Headers {
    const headers = new Headers();
    for (const [name, value] of Object.entries(this.target.headers ?? {})) {
      try {
        headers.set(name, value);
      } catch {
        // The platform's own message quotes the header's value.
        throw cannotAsk(
          `the header ${JSON.stringify(name)} configured for it is not a valid HTTP header`,
        );
      }
    }
    this.protocolHeaders.forEach((value, name) => headers.set(name, value));
    headers.set("user-agent", `${clientInfo.name}/${clientInfo.version}`);
    return headers;
  }

  /** Explains an error status. A JSON-RPC error in its body keeps its code. */
  private async refusal(
    response: Response,
    method: string,
    signal: AbortSignal,
  ): Promise<ProbeFailure> {
    const { status, headers } = response;
    const text = await readText(response, maxRefusal);
    const error = rpcErrorIn(text);
    const rpc = isRpcError(error);
    const answer = {
      ...{ status, headers, method, url: this.url, clean: this.clean },
      serverText: rpc ? rpcErrorText(error, this.clean) : this.clean(plainText(text, headers)),
      inSession: this.protocolHeaders.has("mcp-session-id"),
      sentHeaders: Object.keys(this.target.headers ?? {}).length > 0,
    };
    const closed = (status === 401 || status === 403) && hostCheckFailure(answer) === undefined;
    const failure = closed
      ? accessFailure(answer, await this.proofOfMcp(headers, rpc, signal))
      : statusFailure(answer);
    return withCode(failure, error);
  }

  /** Evidence that an MCP server rejected the caller; undefined without any. */
  private async proofOfMcp(
    headers: Headers,
    rpc: boolean,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const challenge = headers.get("www-authenticate");
    if (challenge !== null) return `WWW-Authenticate: ${this.clean(challenge, 120)}`;
    if (rpc) return "no WWW-Authenticate, but a JSON-RPC error";
    const wellKnown = "/.well-known/oauth-protected-resource";
    for (const path of new Set([wellKnown + this.url.pathname.replace(/\/$/, ""), wellKnown])) {
      try {
        const response = await this.fetch(new URL(path, this.url), { redirect: "manual", signal });
        const text = await readText(response, maxRefusal);
        if (response.ok && isResourceMetadata(text))
          return `protected-resource metadata at ${path}`;
      } catch {
        return undefined; // What answered the question answers nothing else.
      }
    }
    return undefined;
  }
}

function parseUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw cannotAsk("its url is not an http:// or https:// URL");
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw cannotAsk("its url holds a user name or a password; send them in a header");
  }
  return parsed;
}

/** A stream that cannot be resumed. */
function cutFailure(why: string): ProbeFailure {
  return notMcp(`ends its event stream before the answer and ${why}`);
}

function cannotAsk(why: string): ProbeFailure {
  return new ProbeFailure("unreachable", "never", `cannot be asked: ${why}`);
}

/** The body if it may be readable text: HTML pages and binary answers are of no use. */
function plainText(text: string, headers: Headers): string {
  const type = headers.get("content-type") ?? "text/plain";
  return /^(text\/plain|application\/json)/i.test(type) ? text : "";
}

/** RFC 9728: the only required member names the resource. */
function isResourceMetadata(text: string): boolean {
  try {
    const parsed = parseBoundedJson(text, replyBounds);
    return (
      typeof parsed === "object" &&
      parsed !== null &&
      "resource" in parsed &&
      typeof parsed.resource === "string"
    );
  } catch {
    return false;
  }
}
