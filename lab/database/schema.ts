import { escapeLiteral } from "pg";

import { desiredRows, type ServerDocument, type Settings, tomlText } from "../studio/payloads";

/** The type of the documents' column, and the key the Atlassian row has. */
export interface LegacyRequest {
  readonly schema: "text" | "jsonb";
  /** Older installations keep Atlassian under `jira`, or have both. Default "atlassian". */
  readonly atlassianKey?: "atlassian" | "jira" | "both";
}

/** Every made-up credential contains this, so that a test can search for all of them at once. */
export const secretMark = "LAB_SECRET";

/** `integration_settings` of the example installation: provider -> key -> value. */
const legacySettings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  github: { pat: `ghp_${secretMark}_github_0001` },
  jira: {
    site: "https://example.atlassian.net",
    email: "robot@example.com",
    api_key: `${secretMark}_jira_0002`,
  },
  confluence: {
    site: "https://example.atlassian.net/wiki",
    email: "robot@example.com",
    api_key: `${secretMark}_confluence_0003`,
  },
  chroma: { host: "llmctl-chromadb", port: "8000", ssl: "false" },
  google_cloud: {
    service_account_json: JSON.stringify({
      type: "service_account",
      project_id: "example-project",
      private_key: `${secretMark}_google_0004`,
    }),
    google_cloud_project_id: "example-project",
  },
};

const settingsMap: Settings = new Map(
  Object.entries(legacySettings).map(([provider, values]) => [
    provider,
    new Map(Object.entries(values)),
  ]),
);

/** The integrated rows as the application writes them before the cutover. */
export function legacyRows(): ReturnType<typeof desiredRows> {
  return desiredRows(
    {
      mode: "embedded",
      namespace: "llmctl",
      appDir: "/app",
      chroma: { host: "", port: "", ssl: "" },
    },
    settingsMap,
  );
}

/** server key -> the environment its legacy row carries: what a Secret must hold after the cutover. */
export function legacyEnvironments(): Record<string, Record<string, string>> {
  const found: Record<string, Record<string, string>> = {};
  for (const [key, row] of legacyRows()) found[key] = { ...row.document.env };
  return found;
}

/** A user's own server. It runs the same command as an integrated one and must never be changed. */
export const customKey = "team-search";
const customDocument: ServerDocument = {
  command: "mcp-server-github",
  args: ["--read-only"],
  env: { GITHUB_PERSONAL_ACCESS_TOKEN: `ghp_${secretMark}_custom_0005` },
};

/** Tables, rows, references and settings of the application before its cutover, as SQL for an empty database. */
export function legacySql(request: LegacyRequest): string {
  return [
    tables(request.schema),
    ...serverRows(request),
    ...references(request.atlassianKey ?? "atlassian"),
    ...settings(),
  ].join("\n");
}

function tables(schema: LegacyRequest["schema"]): string {
  const association = (table: string, parent: string): string =>
    `create table ${table} (${parent} integer not null, mcp_server_id integer not null references mcp_servers(id), primary key (${parent}, mcp_server_id));`;
  return `
create table mcp_servers (
  id serial primary key,
  name varchar(255) not null,
  server_key varchar(64) not null unique,
  description varchar(512),
  config_json ${schema} not null,
  server_type varchar(32) not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
${association("agent_task_mcp_servers", "agent_task_id")}
${association("chat_thread_mcp_servers", "chat_thread_id")}
${association("flowchart_node_mcp_servers", "flowchart_node_id")}
${association("task_template_mcp_servers", "task_template_id")}
create table integration_settings (
  id serial primary key,
  provider varchar(64) not null,
  key varchar(128) not null,
  value text,
  unique (provider, key)
);
create table chat_turns (id serial primary key, selected_mcp_server_keys_json text not null);
insert into chat_turns (selected_mcp_server_keys_json) values ('["github", "jira"]');`;
}

function serverRows(request: LegacyRequest): string[] {
  const rows: string[] = [];
  const add = (
    key: string,
    name: string,
    about: string,
    doc: ServerDocument,
    type: string,
  ): void => {
    const text = request.schema === "text" ? tomlText(key, doc) : JSON.stringify(doc);
    const values = [name, key, about, text, type].map((value) => escapeLiteral(value)).join(", ");
    rows.push(
      `insert into mcp_servers (name, server_key, description, config_json, server_type, created_at, updated_at) values (${values}, '2025-03-01T08:00:00.123456Z', '2025-11-02T09:30:00.654321Z');`,
    );
  };
  const atlassian = request.atlassianKey ?? "atlassian";
  for (const [key, row] of legacyRows()) {
    const keys = key !== "atlassian" ? [key] : atlassian === "both" ? ["jira", key] : [atlassian];
    for (const own of keys) add(own, row.name, row.description, row.document, "integrated");
  }
  add(customKey, "Team search", "Ours: “smart” search — größer", customDocument, "custom");
  return rows;
}

/** Associations by key, among them an owner that references both Atlassian rows where both exist. */
function references(atlassian: "atlassian" | "jira" | "both"): string[] {
  const id = (key: string): string => `(select id from mcp_servers where server_key = '${key}')`;
  const keys = atlassian === "both" ? ["jira", "atlassian"] : [atlassian];
  const link = (table: string, parent: string, owner: number, key: string): string =>
    `insert into ${table} (${parent}, mcp_server_id) values (${owner}, ${id(key)});`;
  const lines = [
    link("agent_task_mcp_servers", "agent_task_id", 10, "llmctl-mcp"),
    link("agent_task_mcp_servers", "agent_task_id", 10, "github"),
    link("chat_thread_mcp_servers", "chat_thread_id", 20, "chroma"),
    link("task_template_mcp_servers", "task_template_id", 40, customKey),
  ];
  for (const key of keys) {
    lines.push(link("agent_task_mcp_servers", "agent_task_id", 11, key));
    lines.push(link("chat_thread_mcp_servers", "chat_thread_id", 21, key));
    lines.push(link("task_template_mcp_servers", "task_template_id", 41, key));
  }
  lines.push(link("flowchart_node_mcp_servers", "flowchart_node_id", 30, keys[0] ?? "atlassian"));
  const defaults = ["llmctl-mcp", ...keys, "github"].map(id).join(", ");
  lines.push(
    `insert into integration_settings (provider, key, value) values ('chat', 'default_mcp_server_ids', concat_ws(',', ${defaults}));`,
  );
  return lines;
}

function settings(): string[] {
  return Object.entries(legacySettings).flatMap(([provider, values]) =>
    Object.entries(values).map(
      ([key, value]) =>
        `insert into integration_settings (provider, key, value) values (${[provider, key, value].map((text) => escapeLiteral(text)).join(", ")});`,
    ),
  );
}
