import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";

import type { ServerDocument } from "./payloads";

const checkTimeoutSeconds = 30;

/** What a server reported about itself. */
export interface SessionFacts {
  readonly tools: number;
  readonly protocolVersion: string | null;
  readonly serverName: string | null;
}

/** One MCP session over one transport. */
export class Session {
  private readonly client = new Client({ name: "llmctl-studio", version: "0.1.0" });
  private transport: Transport | undefined;
  private readonly secrets: readonly string[];
  private readonly lost: Promise<never>;
  private protocolVersion: string | null = null;
  private stderrTail = "";

  constructor(private readonly document: ServerDocument) {
    const values = [...Object.values(document.env ?? {}), ...Object.values(document.headers ?? {})];
    this.secrets = values.filter((value) => value.length >= 4);
    this.lost = new Promise((_resolve, reject) => {
      this.client.onclose = () => reject(new Error("the connection was closed"));
    });
    // It may close before anyone awaits it.
    this.lost.catch(() => undefined);
  }

  /**
   * Makes the transport.
   *
   * @throws Error when the row has neither a command nor a URL that can be read.
   */
  prepare(): void {
    const { command, args, env, headers, url } = this.document;
    const transport =
      url === undefined ? this.stdio(command, args, env) : httpTransport(url, headers);
    const tellTransport = transport.setProtocolVersion?.bind(transport);
    transport.setProtocolVersion = (version) => {
      this.protocolVersion = version;
      tellTransport?.(version);
    };
    this.transport = transport;
  }

  async open(timeoutSeconds: number, signal: AbortSignal): Promise<SessionFacts> {
    if (this.transport === undefined) throw new Error("the session was not prepared");
    const limits = { timeout: timeoutSeconds * 1000, signal };
    await this.client.connect(this.transport, limits);
    const tools = await this.countTools(limits);
    return {
      tools,
      protocolVersion: this.protocolVersion,
      serverName: this.client.getServerVersion()?.name ?? null,
    };
  }

  /** Returns never: throws when the connection is lost or the signal fires. */
  async watch(checkSeconds: number, signal: AbortSignal): Promise<never> {
    const aborted = new Promise<never>((_resolve, reject) => {
      const stop = (): void => reject(new Error("stopped"));
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    });
    aborted.catch(() => undefined);
    for (;;) {
      const next =
        checkSeconds === 0 ? [] : [sleep(checkSeconds * 1000, undefined, { ref: false })];
      await Promise.race([this.lost, aborted, ...next]);
      await Promise.race([
        this.lost,
        this.countTools({ timeout: checkTimeoutSeconds * 1000, signal }),
      ]);
    }
  }

  async close(): Promise<void> {
    try {
      if (this.transport instanceof StreamableHTTPClientTransport) {
        await Promise.race([
          this.transport.terminateSession(),
          sleep(2000, undefined, { ref: false }),
        ]);
      }
    } catch {
      // The server may be gone already; the session dies with it.
    }
    await this.client.close().catch(() => undefined);
    await this.transport?.close().catch(() => undefined);
  }

  /** One line about a failure, without the values of the row's env. */
  explain(error: unknown): string {
    const text = error instanceof Error ? error.message : String(error);
    const hide = (line: string): string =>
      this.secrets.reduce((hidden, secret) => hidden.replaceAll(secret, "***"), line);
    const said = hide(this.stderrTail).trim().split("\n").at(-1)?.slice(0, 200) ?? "";
    const reason = said === "" ? hide(text) : `${hide(text)} (it said: ${said})`;
    return reason.replace(/\s+/g, " ").slice(0, 300);
  }

  private async countTools(limits: { timeout: number; signal: AbortSignal }): Promise<number> {
    if (this.client.getServerCapabilities()?.tools === undefined) return 0;
    let count = 0;
    let cursor: string | undefined;
    do {
      const page = await this.client.listTools(cursor === undefined ? {} : { cursor }, limits);
      count += page.tools.length;
      cursor = page.nextCursor;
    } while (cursor !== undefined && count < 10_000);
    return count;
  }

  private stdio(
    command: string | undefined,
    args: readonly string[] | undefined,
    env: Readonly<Record<string, string>> | undefined,
  ): Transport {
    if (command === undefined) throw new Error("the row has neither a command nor a url");
    const transport = new StdioClientTransport({
      command,
      args: [...(args ?? [])],
      ...(env === undefined ? {} : { env: { ...env } }),
      stderr: "pipe",
    });
    transport.stderr?.on("data", (chunk: Buffer) => {
      this.stderrTail = (this.stderrTail + chunk.toString("utf8")).slice(-4096);
    });
    return transport;
  }
}

function httpTransport(
  url: string,
  headers: Readonly<Record<string, string>> | undefined,
): Transport {
  // Connection reopens a lost session, and reports it in its status.
  return new StreamableHTTPClientTransport(new URL(url), {
    ...(headers === undefined ? {} : { requestInit: { headers: { ...headers } } }),
    reconnectionOptions: {
      initialReconnectionDelay: 1000,
      maxReconnectionDelay: 30_000,
      reconnectionDelayGrowFactor: 2,
      maxRetries: 5,
    },
  });
}
