import type { CutoverSpec, Db, RunMeta } from "@mcp-fleet/row-cutover";

import { type LegacyRequest, legacyEnvironments, legacySql } from "../../../lab/database/schema";
import { testDatabase, type TestDatabase } from "../../support/postgres";

export const meta: RunMeta = { who: "test", stack: "test", toolVersion: "0.0.0" };

/** The cutover of the example application. */
export function studioSpec(overrides: Partial<CutoverSpec> = {}): CutoverSpec {
  const environments = legacyEnvironments();
  const row = (key: string, service: string, port: number): CutoverSpec["rows"][number] => ({
    key,
    url: `http://${service}.llmctl.svc.cluster.local:${port}/mcp`,
    transport: "streamable-http",
    secretKeys: Object.keys(environments[key] ?? {}),
  });
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
    rows: [
      row("llmctl-mcp", "llmctl-mcp", 9020),
      row("github", "llmctl-mcp-github", 8000),
      { ...row("atlassian", "llmctl-mcp-atlassian", 8000), aliases: ["jira"] },
      row("chroma", "llmctl-mcp-chroma", 8000),
      row("google-cloud", "llmctl-mcp-google-cloud", 8000),
    ],
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
    ...overrides,
  };
}

/** A database with the legacy installation in it. */
export async function legacyDatabase(
  request: LegacyRequest,
): Promise<TestDatabase & { db: Db; everything(): Promise<string> }> {
  const database = await testDatabase();
  await database.query(legacySql(request));
  const tables = [
    "mcp_servers",
    "agent_task_mcp_servers",
    "chat_thread_mcp_servers",
    "flowchart_node_mcp_servers",
    "task_template_mcp_servers",
    "integration_settings",
    "chat_turns",
  ];
  return {
    ...database,
    db: { connectionString: database.url },
    /** All rows of all tables, every column, as text: what must be equal after an undo. */
    everything: async () => {
      const parts: string[] = [];
      for (const table of tables) {
        const rows = await database.query<{ row: string }>(
          `select t::text as row from ${table} t order by 1`,
        );
        parts.push(`${table}\n${rows.map((row) => row.row).join("\n")}`);
      }
      return parts.join("\n\n");
    },
  };
}
