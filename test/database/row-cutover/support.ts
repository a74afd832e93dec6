import assert from "node:assert/strict";

import type { CutoverSpec, Db, RowSpec } from "@mcp-fleet/row-cutover";
import type { Client } from "pg";

import { withClient } from "../../../lab/database/access";
import { legacyEnvironments, type LegacyRequest, legacySql } from "../../../lab/database/schema";
import { stopTestServer, type TestDatabase, testDatabase } from "../../support/postgres";

export { meta } from "./meta";

/** The application's role owns its tables; the cutover's role owns none of them, as in an installation. */
export const applicationRole = "rc_application";
export const cutoverRole = "rc_cutover";
const password = "rc-password";

after(stopTestServer);

/** A database of the application before its cutover, and its connections. */
export interface StudioDatabase extends TestDatabase {
  /** As the cutover's role. */
  readonly db: Db;
  /** As the application's role. */
  readonly applicationUrl: string;
  /** The rows, the references and the settings, byte for byte. */
  snapshot(): Promise<Snapshot>;
}

export interface Snapshot {
  readonly type: string;
  readonly rows: Record<string, string | null>[];
  readonly references: Record<string, string[]>;
  readonly defaults: string;
}

/**
 * Creates the legacy database with both roles and the documented grants.
 * @param server a superuser's DSN. @default the server of this mocha run
 */
export async function studioDatabase(
  request: LegacyRequest,
  server?: string,
): Promise<StudioDatabase> {
  const database = await emptyDatabase(server);
  await withClient(database.applicationUrl, (client) => client.query(legacySql(request)));
  await withClient(database.applicationUrl, (client) =>
    client.query(`
      grant select, insert, update, delete, trigger on mcp_servers to ${cutoverRole};
      grant select, insert, update, delete on agent_task_mcp_servers, chat_thread_mcp_servers,
        flowchart_node_mcp_servers, task_template_mcp_servers to ${cutoverRole};
      grant select, update on integration_settings to ${cutoverRole};
      grant usage on sequence mcp_servers_id_seq to ${cutoverRole};`),
  );
  return { ...database, snapshot: () => withClient(database.url, snapshotOf) };
}

/** An empty database that the application's role owns. */
export async function emptyDatabase(server?: string): Promise<Omit<StudioDatabase, "snapshot">> {
  const database = await testDatabase(server);
  await database.query(`do $$ begin
    perform pg_advisory_xact_lock(4711);
    if not exists (select from pg_roles where rolname = '${cutoverRole}') then
      create role ${applicationRole} login password '${password}';
      create role ${cutoverRole} login password '${password}';
    end if; end $$`);
  await database.query(`alter database ${database.name} owner to ${applicationRole}`);
  await database.query(`alter schema public owner to ${applicationRole}`);
  await database.query(`grant create on database ${database.name} to ${cutoverRole}`);
  return {
    ...database,
    db: { connectionString: database.urlFor(cutoverRole, password) },
    applicationUrl: database.urlFor(applicationRole, password),
  };
}

const associations = [
  "agent_task_mcp_servers",
  "chat_thread_mcp_servers",
  "flowchart_node_mcp_servers",
  "task_template_mcp_servers",
];

async function snapshotOf(client: Client): Promise<Snapshot> {
  const type = await client.query<{ type: string }>(
    `select format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = 'mcp_servers'::regclass and attname = 'config_json'`,
  );
  const rows = await client.query<Record<string, string | null>>(
    `select id::text, name, server_key, description, config_json::text, server_type, created_at::text, updated_at::text
       from mcp_servers order by id`,
  );
  const references: Record<string, string[]> = {};
  for (const table of associations) {
    const found = await client.query<{ row: string }>(
      `select t::text as row from ${table} t order by 1`,
    );
    references[table] = found.rows.map(({ row }) => row);
  }
  const defaults = await client.query<{ value: string }>(
    "select value from integration_settings where key = 'default_mcp_server_ids'",
  );
  return {
    type: type.rows[0]?.type ?? "",
    rows: rows.rows,
    references,
    defaults: defaults.rows[0]?.value ?? "",
  };
}

/** Whether the application's own rows were moved: all or none, otherwise it fails. */
export function isForward(snapshot: Snapshot): boolean {
  const own = snapshot.rows.filter((row) => row.server_type === "integrated");
  const moved = own.filter((row) => row.config_json?.includes("svc.cluster.local") === true).length;
  assert.ok(moved === 0 || moved === own.length, `${moved} of ${own.length} rows were moved`);
  return moved > 0;
}

const services: Record<string, string> = {
  "llmctl-mcp": "llmctl-mcp.llmctl.svc.cluster.local:9020",
  github: "llmctl-mcp-github.llmctl.svc.cluster.local:8000",
  atlassian: "llmctl-mcp-atlassian.llmctl.svc.cluster.local:8000",
  chroma: "llmctl-mcp-chroma.llmctl.svc.cluster.local:8000",
  "google-cloud": "llmctl-mcp-google-cloud.llmctl.svc.cluster.local:8000",
};

export function urlOf(key: string): string {
  return `http://${services[key] ?? key}/mcp`;
}

/** The document of every moved row, as the application writes it. */
export function targetOf(key: string): { url: string; transport: string } {
  return { url: urlOf(key), transport: "streamable-http" };
}

export function rowSpec(key: string, more: Partial<RowSpec> = {}): RowSpec {
  return {
    key,
    url: urlOf(key),
    transport: "streamable-http",
    secretKeys: Object.keys(legacyEnvironments()[key] ?? {}),
    ...(key === "atlassian" ? { aliases: ["jira"] } : {}),
    ...more,
  };
}

/** The example application's cutover. */
export function studioSpec(more: Partial<CutoverSpec> = {}): CutoverSpec {
  return {
    name: "mcp-fleet/test",
    table: {
      schema: "public",
      table: "mcp_servers",
      key: ["server_key"],
      id: "id",
      config: "config_json",
      type: { column: "server_type", value: "integrated" },
      updatedAt: "updated_at",
    },
    rows: Object.keys(services).map((key) => rowSpec(key)),
    deferred: ["google-workspace"],
    skip: [],
    softReferences: [
      {
        table: "integration_settings",
        where: "provider = 'chat' and key = 'default_mcp_server_ids'",
        column: "value",
        format: "comma-separated",
      },
    ],
    onConflict: "fail",
    fence: true,
    ...more,
  };
}
