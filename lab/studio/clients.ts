import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

import type { ServerDocument } from "./payloads";
import { Session } from "./session";

/** What Studio reports about one server. Never an env value, an argument or a header. */
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

  /**
   * Connects new rows, reconnects changed rows and closes removed ones. An Error represents a row that cannot be
   * read.
   */
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

/** The connection to one server: connects, monitors, and reconnects with growing pauses until closed. */
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
