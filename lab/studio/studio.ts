import { messageOf } from "@mcp-fleet/errors";
import { Pool } from "pg";

import { Connections, describe, type ServerStatus } from "./clients";
import type { StudioConfig } from "./config";
import { convertColumn } from "./documents";
import type { ServerDocument } from "./payloads";
import { documentOf, readRows, type StoredRow, type SyncSummary } from "./rows";
import { syncRows, waitForTable } from "./rows";

/** One row as `/mcps` shows it: no document, because documents hold credentials. */
export interface RowView {
  readonly id: number;
  readonly key: string;
  readonly name: string;
  readonly type: string;
  readonly transport: ServerStatus["transport"];
  readonly endpoint: string;
  readonly updatedAt: string;
}

/** Whether requests may be sent here, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly reason: string;
}

/**
 * The application: its rows in the form of its mode, and its connections to the servers in them. It knows
 * neither HTTP nor the process.
 */
export class Studio {
  private readonly pool: Pool;
  private readonly connections: Connections;
  private readonly stopping = new AbortController();
  private bootedAt: number | undefined;
  private wasReady = false;
  private draining = false;

  constructor(
    readonly config: StudioConfig,
    private readonly log: (text: string) => void,
  ) {
    this.pool = new Pool({
      connectionString: config.databaseUrl,
      max: 4,
      connectionTimeoutMillis: 5000,
      statement_timeout: 30_000,
      idleTimeoutMillis: 30_000,
      application_name: `llmctl-studio/${config.mode}`,
    });
    // A server that restarts drops idle connections; the next query opens a new one.
    this.pool.on("error", (error) => this.log(`database: ${messageOf(error)}`));
    this.connections = new Connections(config, log);
  }

  /**
   * Waits for the database, adapts column and rows to this mode, and starts to connect.
   *
   * @throws UserError or Error that ends the boot, as the real application's does.
   */
  async boot(): Promise<void> {
    await waitForTable(this.pool, this.config.databaseWaitSeconds, this.stopping.signal);
    if (this.config.mode === "in-cluster" && (await convertColumn(this.pool))) {
      this.log("converted mcp_servers.config_json from text to jsonb");
    }
    const summary = await this.sync();
    this.bootedAt = Date.now();
    this.log(
      `synchronized integrated rows: created=${summary.created} updated=${summary.updated} held=${summary.held}`,
    );
  }

  /** Writes the rows as this mode needs them, and connects to the servers in them. */
  async sync(): Promise<SyncSummary> {
    const summary = await syncRows(this.pool, this.config);
    const rows = await readRows(this.pool);
    this.connections.reconcile(integratedDocuments(rows));
    return summary;
  }

  /** All rows, after a sync. */
  async rows(): Promise<{ summary: SyncSummary; rows: RowView[] }> {
    const summary = await this.sync();
    return { summary, rows: (await readRows(this.pool)).map(viewOf) };
  }

  servers(): ServerStatus[] {
    return this.connections.statuses();
  }

  /**
   * Ready once the boot's sync is done and every server is connected or, after the grace period, has failed with
   * a recorded error. Then it stays ready until it drains: a server that fails later is shown in `/servers` and
   * must not stop the application.
   */
  readiness(now = Date.now()): Readiness {
    if (this.draining) return { ready: false, reason: "draining" };
    if (this.bootedAt === undefined) return { ready: false, reason: "starting" };
    if (this.wasReady) return { ready: true, reason: "ready" };
    const servers = this.servers();
    const missing = servers.filter((server) => !server.connected);
    const inGrace = now - this.bootedAt < this.config.readyGraceSeconds * 1000;
    const enough =
      this.config.readyRequires === "any"
        ? servers.length === 0 || missing.length < servers.length
        : missing.length === 0 || (!inGrace && missing.every((server) => server.error !== null));
    if (!enough) {
      const keys = missing.map((server) => server.key).join(", ");
      return { ready: false, reason: `not connected yet: ${keys}` };
    }
    this.wasReady = true;
    return { ready: true, reason: "ready" };
  }

  /** From now on readiness fails; requests are still answered. */
  drain(): void {
    this.draining = true;
  }

  get isDraining(): boolean {
    return this.draining;
  }

  /** Ends MCP sessions, child processes and database connections. */
  async close(): Promise<void> {
    this.draining = true;
    this.stopping.abort();
    await this.connections.close();
    await this.pool.end();
  }
}

function integratedDocuments(rows: readonly StoredRow[]): Map<string, ServerDocument | Error> {
  const integrated = rows.filter((row) => row.type === "integrated");
  return new Map(integrated.map((row) => [row.key, safeDocument(row)]));
}

function safeDocument(row: StoredRow): ServerDocument | Error {
  try {
    return documentOf(row);
  } catch (error) {
    return new Error(messageOf(error));
  }
}

function viewOf(row: StoredRow): RowView {
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    type: row.type,
    ...describe(safeDocument(row)),
    updatedAt: row.updatedAt.toISOString(),
  };
}
