import { parseBoundedJson } from "@mcp-fleet/errors";

import { networkFailure, ProbeFailure, RpcFailure } from "./failure";
import { readReply, readText, replyBounds, type RpcReply } from "./reply";
import { cleaner } from "./shown";
import { statusFailure } from "./status";
import type { ProbeTarget } from "./types";

/** Sent as `User-Agent` and as the MCP client's name, so that a server's log says who asked. */
export const clientInfo = { name: "mcp-fleet-probe", version: "0.1.0" } as const;

/** Bounds of the requests of one attempt. */
export interface RequestLimits {
  /** Limit of one request, in seconds. */
  readonly requestTimeoutSeconds: number;
  /** Ends everything, whatever a single request may still have. */
  readonly deadline: AbortSignal;
  /** When that is, in seconds from the probe's start. */
  readonly deadlineSeconds: number;
}

/** JSON-RPC over HTTP POST to one endpoint. It never sends GET and never follows a redirect. */
export class McpClient {
  private nextId = 0;
  private readonly url: URL;
  private readonly clean: ReturnType<typeof cleaner>;
  /** Headers the protocol wants on every later request: version, session, method. */
  readonly protocolHeaders = new Headers();

  constructor(
    private readonly target: ProbeTarget,
    private readonly limits: RequestLimits,
  ) {
    this.clean = cleaner(target.headers ?? {});
    this.url = parseUrl(target.url);
  }

  /**
   * Sends a request and returns its `result` with the answer's headers.
   * @throws {ProbeFailure} for everything else; {@link RpcFailure} when the server answered with an error
   */
  async request(method: string, params: object): Promise<{ result: unknown; headers: Headers }> {
    this.nextId += 1;
    const id = this.nextId;
    return this.send({ jsonrpc: "2.0", id, method, params }, method, async (response) => {
      const reply = await readReply(response, id);
      if (reply.error !== undefined) throw this.rpcFailure(method, reply, response.status);
      return { result: reply.result, headers: response.headers };
    });
  }

  /** Sends a notification. Any status from 200 to 299 will do. */
  async notify(method: string): Promise<void> {
    await this.send({ jsonrpc: "2.0", method }, method, async (response) => {
      await response.body?.cancel();
    });
  }

  /** Ends the server's session. Best effort: a server may refuse it with 405, or be gone. */
  async deleteSession(): Promise<void> {
    const signal = AbortSignal.timeout(Math.min(this.limits.requestTimeoutSeconds, 2) * 1000);
    try {
      const headers = this.headers();
      const response = await fetch(this.url, {
        method: "DELETE",
        headers,
        redirect: "manual",
        signal,
      });
      await response.body?.cancel();
    } catch {
      // The answer is known by now; an orphaned session is the server's to expire.
    }
  }

  private async send<T>(
    message: object,
    method: string,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const headers = this.headers();
    headers.set("content-type", "application/json");
    headers.set("accept", "application/json, text/event-stream");
    headers.set("user-agent", `${clientInfo.name}/${clientInfo.version}`);
    const { signal, end } = limited(this.limits);
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers,
        body: JSON.stringify(message),
        redirect: "manual",
        signal,
      });
      if (response.ok) return await read(response);
      throw await this.refusal(response, method);
    } catch (error) {
      throw networkFailure(error, {
        signal,
        ...(this.limits.deadline.aborted
          ? { seconds: this.limits.deadlineSeconds, what: "deadline" }
          : { seconds: this.limits.requestTimeoutSeconds, what: "limit of one request" }),
      });
    } finally {
      end();
    }
  }

  private headers(): Headers {
    const headers = new Headers();
    for (const [name, value] of Object.entries(this.target.headers ?? {})) {
      try {
        headers.set(name, value);
      } catch {
        // The platform's own message quotes the value.
        throw new ProbeFailure(
          "unreachable",
          "never",
          `cannot be asked: the header ${JSON.stringify(name)} configured for it is not a valid HTTP header`,
        );
      }
    }
    this.protocolHeaders.forEach((value, name) => headers.set(name, value));
    return headers;
  }

  /** Explains a status that is no success; a JSON-RPC error in its body keeps its code. */
  private async refusal(response: Response, method: string): Promise<ProbeFailure> {
    const { status, headers } = response;
    const text = await readText(response, 64 * 1024);
    const error = rpcErrorIn(text);
    const said = error === undefined ? plainText(text, headers) : textOf(error.message);
    const failure = statusFailure({
      status,
      headers,
      method,
      url: this.url,
      said: this.clean(said),
      clean: this.clean,
    });
    if (typeof error?.code !== "number") return failure;
    return new RpcFailure(failure.outcome, failure.retry, failure.reason, error.code);
  }

  private rpcFailure(method: string, { error }: RpcReply, status: number): RpcFailure {
    const code = typeof error?.code === "number" ? error.code : 0;
    const said = this.clean(textOf(error?.message));
    // -32600 to -32602: the question itself is refused. Others, such as an internal error, may pass.
    const refused = code <= -32600 && code >= -32602;
    return new RpcFailure(
      "not-mcp",
      refused ? "few" : "until-deadline",
      `answers ${method} with the error ${code}${said === "" ? "" : ` "${said}"`} (HTTP ${status})`,
      code,
    );
  }
}

/** The signal of one request. A timer that ends with it: `AbortSignal.any` leaves its parts to the garbage collector. */
function limited({ requestTimeoutSeconds, deadline }: RequestLimits): {
  readonly signal: AbortSignal;
  readonly end: () => void;
} {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = setTimeout(abort, requestTimeoutSeconds * 1000);
  if (deadline.aborted) abort();
  deadline.addEventListener("abort", abort);
  const end = (): void => {
    clearTimeout(timer);
    deadline.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, end };
}

function parseUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new ProbeFailure(
      "unreachable",
      "never",
      "cannot be asked: its url is not an http:// or https:// URL",
    );
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw new ProbeFailure(
      "unreachable",
      "never",
      "cannot be asked: its url holds a user name or a password; send them in a header",
    );
  }
  return parsed;
}

function rpcErrorIn(text: string): RpcReply["error"] {
  try {
    const parsed = parseBoundedJson(text, replyBounds);
    if (typeof parsed !== "object" || parsed === null || !("error" in parsed)) return undefined;
    const error: unknown = parsed.error;
    return typeof error === "object" && error !== null ? error : undefined;
  } catch {
    return undefined;
  }
}

/** The body when a person may have written it: pages and binary answers say nothing useful. */
function plainText(text: string, headers: Headers): string {
  const type = headers.get("content-type") ?? "text/plain";
  return /^(text\/plain|application\/json)/i.test(type) ? text : "";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
