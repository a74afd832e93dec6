import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";

import type { ServerDocument } from "./payloads";

/** What Studio says about one server. Never an env value, an argument or a header. */
export interface ServerStatus {
  readonly key: string;
  readonly transport: "stdio" | "streamable-http" | "unknown";
  /** The URL without user information and query, or the command's name. */
  readonly endpoint: string;
  readonly connected: boolean;
  readonly tools: number;
  readonly protocolVersion: string | null;
  readonly serverName: string | null;
  /** Why it is not connected, in one line; null while the first attempt runs or when connected. */
  readonly error: string | null;
  readonly attempts: number;
  readonly connectedAt: string | null;
}

/** Limits of a connection, in seconds. */
export interface ConnectionLimits {
  readonly connectTimeoutSeconds: number;
  /** How often `tools/list` proves the connection; 0 never. */
  readonly checkSeconds: number;
}

const checkTimeoutSeconds = 30;
const backoffSeconds = [1, 2, 4, 8, 15, 30] as const;
const emptyStatus = {
  connected: false,
  tools: 0,
  protocolVersion: null,
  serverName: null,
  error: null,
  attempts: 0,
  connectedAt: null,
} as const;

/** The connections of this process, one for each integrated row. */
export class Connections {
  private readonly byKey = new Map<string, Connection>();
  private readonly closing = new Set<Promise<void>>();

  constructor(
    private readonly limits: ConnectionLimits,
    private readonly log: (text: string) => void,
  ) {}

  /** Connects new rows, connects changed rows anew and closes those that are gone. An Error stands for a row that cannot be read. */
  reconcile(rows: ReadonlyMap<string, ServerDocument | Error>): void {
    for (const [key, connection] of this.byKey) {
      const wanted = rows.get(key);
      if (wanted !== undefined && isDeepStrictEqual(wanted, connection.wanted)) continue;
      this.byKey.delete(key);
      const closed: Promise<void> = connection.close().finally(() => this.closing.delete(closed));
      this.closing.add(closed);
    }
    for (const [key, wanted] of rows) {
      if (!this.byKey.has(key)) {
        this.byKey.set(key, new Connection(key, wanted, this.limits, this.log));
      }
    }
  }

  statuses(): ServerStatus[] {
    return [...this.byKey.values()].map((connection) => connection.status);
  }

  /** Ends every session and every child process. */
  async close(): Promise<void> {
    this.reconcile(new Map());
    await Promise.allSettled([...this.closing]);
  }
}

/** One server: connects, watches, connects again with growing pauses until closed. */
class Connection {
  status: ServerStatus;
  private readonly stop = new AbortController();
  private readonly done: Promise<void>;

  constructor(
    private readonly key: string,
    readonly wanted: ServerDocument | Error,
    private readonly limits: ConnectionLimits,
    private readonly log: (text: string) => void,
  ) {
    this.status = { key, ...emptyStatus, ...describe(wanted) };
    this.done = this.run();
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.done;
  }

  private async run(): Promise<void> {
    const { wanted } = this;
    if (wanted instanceof Error) {
      this.update({ error: wanted.message, attempts: 1 });
      return;
    }
    for (let failures = 0; !this.stop.signal.aborted; failures += 1) {
      const session = new Session(wanted);
      try {
        session.prepare();
        const found = await session.open(this.limits.connectTimeoutSeconds, this.stop.signal);
        failures = 0;
        this.update({
          ...found,
          connected: true,
          error: null,
          attempts: this.status.attempts + 1,
          connectedAt: new Date().toISOString(),
        });
        this.log(`${this.key}: connected over ${this.status.transport}, ${found.tools} tools`);
        await session.watch(this.limits.checkSeconds, this.stop.signal);
      } catch (error) {
        if (!this.stop.signal.aborted) {
          const reason = session.explain(error);
          const attempts = this.status.attempts + (this.status.connected ? 0 : 1);
          this.update({ connected: false, tools: 0, error: reason, attempts, connectedAt: null });
          this.log(`${this.key}: not connected: ${reason}`);
        }
      } finally {
        await session.close();
      }
      const pause = backoffSeconds[Math.min(failures, backoffSeconds.length - 1)] ?? 30;
      await sleep(pause * 1000, undefined, { signal: this.stop.signal }).catch(() => undefined);
    }
  }

  private update(change: Partial<ServerStatus>): void {
    this.status = { ...this.status, ...change };
  }
}

/** One MCP session over one transport. */
class Session {
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
    // Nobody may be waiting yet when it closes.
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

  async open(
    timeoutSeconds: number,
    signal: AbortSignal,
  ): Promise<Pick<ServerStatus, "tools" | "protocolVersion" | "serverName">> {
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
  // A session that is lost is opened anew by Connection, which also says so in its status.
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

/** Transport and endpoint of a row, safe to show. */
export function describe(
  document: ServerDocument | Error,
): Pick<ServerStatus, "transport" | "endpoint"> {
  if (document instanceof Error) return { transport: "unknown", endpoint: "" };
  if (document.url !== undefined) {
    const endpoint = URL.canParse(document.url) ? new URL(document.url) : undefined;
    return {
      transport: "streamable-http",
      endpoint: endpoint === undefined ? "(not a URL)" : endpoint.origin + endpoint.pathname,
    };
  }
  return { transport: "stdio", endpoint: document.command?.split("/").at(-1) ?? "" };
}
