import type { StudioConfig, StudioMode } from "./config";

/** A server's configuration as the rows hold it: the inner object of the newer schema. */
export interface ServerDocument {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly transport?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The target of one integrated row according to the application. */
export interface DesiredRow {
  readonly name: string;
  readonly description: string;
  readonly document: ServerDocument;
}

/** `integration_settings`, by provider and key. Holds credentials: never printed. */
export type Settings = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** The input of every integrated row. */
export type PayloadContext = Pick<StudioConfig, "mode" | "namespace" | "appDir" | "chroma">;

/** The older key of `atlassian`. */
export const legacyAtlassianKey = "jira";

/** Keys whose rows the application deletes when their settings are absent. */
export const optionalKeys = [
  "github",
  "atlassian",
  "chroma",
  "google-cloud",
  "google-workspace",
] as const;

const services: Readonly<Record<string, { service: string; port: number }>> = {
  "llmctl-mcp": { service: "llmctl-mcp", port: 9020 },
  github: { service: "llmctl-mcp-github", port: 8000 },
  atlassian: { service: "llmctl-mcp-atlassian", port: 8000 },
  chroma: { service: "llmctl-mcp-chroma", port: 8000 },
  "google-cloud": { service: "llmctl-mcp-google-cloud", port: 8000 },
};

/**
 * The integrated rows the application wants, by key: `llmctl-mcp` always, any other only where its
 * settings exist. Embedded rows carry the credentials themselves; in-cluster rows are exactly a URL
 * and a transport.
 */
export function desiredRows(
  context: PayloadContext,
  settings: Settings,
): ReadonlyMap<string, DesiredRow> {
  const rows = new Map<string, DesiredRow>();
  const add = (key: string, name: string, description: string, stdio: ServerDocument): void => {
    const document =
      context.mode === "embedded" ? stdio : inClusterDocument(key, context.namespace);
    rows.set(key, { name, description, document });
  };

  add("llmctl-mcp", "LLMCTL MCP", llmctlDescription(context.mode), {
    command: "python3",
    args: [`${context.appDir}/app/llmctl-mcp/run.py`],
    env: { LLMCTL_MCP_TRANSPORT: "stdio" },
  });

  const pat = setting(settings, "github", "pat");
  if (pat !== "") {
    add("github", "GitHub MCP", "System-managed GitHub MCP server from Integration settings.", {
      command: "mcp-server-github",
      env: { GITHUB_PERSONAL_ACCESS_TOKEN: pat },
    });
  }

  const atlassian = {
    ...atlassianEnv(settings, "jira", "JIRA"),
    ...atlassianEnv(settings, "confluence", "CONFLUENCE"),
  };
  if (Object.keys(atlassian).length > 0) {
    add(
      "atlassian",
      "Atlassian MCP",
      "System-managed Atlassian MCP server from Jira/Confluence settings.",
      { command: "mcp-atlassian", args: ["--transport", "stdio"], env: atlassian },
    );
  }

  const chroma = chromaDocument(context, settings);
  if (chroma !== undefined) {
    add(
      "chroma",
      "Chroma MCP",
      "System-managed Chroma MCP server from ChromaDB integration settings.",
      chroma,
    );
  }

  if (setting(settings, "google_cloud", "service_account_json") !== "") {
    add(
      "google-cloud",
      "Google Cloud MCP",
      "System-managed Google Cloud MCP server from Google Cloud integration settings.",
      googleCloudDocument(context, settings),
    );
  }
  return rows;
}

/** The document in the older schema: one TOML table, keys sorted, nested values as dotted keys. */
export function tomlText(key: string, document: ServerDocument): string {
  const lines = [`[mcp_servers.${key}]`];
  for (const [name, value] of Object.entries(document).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (typeof value === "object" && !Array.isArray(value)) {
      const inner = Object.entries(value as Record<string, string>);
      for (const [leaf, text] of inner.sort(([a], [b]) => (a < b ? -1 : 1))) {
        lines.push(`${name}.${leaf} = ${JSON.stringify(text)}`);
      }
    } else if (Array.isArray(value)) {
      lines.push(`${name} = [${value.map((item) => JSON.stringify(item)).join(", ")}]`);
    } else {
      lines.push(`${name} = ${JSON.stringify(value)}`);
    }
  }
  return lines.join("\n");
}

function inClusterDocument(key: string, namespace: string): ServerDocument {
  const target = services[key];
  if (target === undefined) throw new Error(`no in-cluster service is known for ${key}`);
  return {
    url: `http://${target.service}.${namespace}.svc.cluster.local:${target.port}/mcp`,
    transport: "streamable-http",
  };
}

function llmctlDescription(mode: StudioMode): string {
  return mode === "embedded"
    ? "System-provided llmctl MCP server bundled with Studio."
    : "System-managed llmctl MCP server hosted in Kubernetes.";
}

function setting(settings: Settings, provider: string, key: string): string {
  return settings.get(provider)?.get(key)?.trim() ?? "";
}

/** A site, a user and a token; the token may be kept as `user:token`. Nothing when one of them is missing. */
function atlassianEnv(
  settings: Settings,
  provider: string,
  prefix: string,
): Record<string, string> {
  const apiKey = setting(settings, provider, "api_key");
  const colon = apiKey.indexOf(":");
  const email = setting(settings, provider, "email");
  const ownUser = colon < 0 ? "" : apiKey.slice(0, colon).trim();
  const user = ownUser === "" ? email : ownUser;
  const token = apiKey.slice(colon + 1).trim();
  const site = setting(settings, provider, "site");
  if (site === "" || user === "" || token === "") return {};
  return { [`${prefix}_URL`]: site, [`${prefix}_USERNAME`]: user, [`${prefix}_API_TOKEN`]: token };
}

function chromaDocument(context: PayloadContext, settings: Settings): ServerDocument | undefined {
  const first = (key: "host" | "port" | "ssl"): string => {
    const own = setting(settings, "chroma", key);
    return own === "" ? context.chroma[key] : own;
  };
  const host = first("host");
  const port = Number(first("port"));
  if (host === "" || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  const ssl = ["1", "true", "yes", "on"].includes(first("ssl").toLowerCase());
  return {
    command: "python3",
    args: [
      `${context.appDir}/app/llmctl-mcp/chroma_stdio.py`,
      ...["--client-type", "http", "--host", host, "--port", String(port)],
      ...["--ssl", ssl ? "true" : "false"],
    ],
  };
}

function googleCloudDocument(context: PayloadContext, settings: Settings): ServerDocument {
  const file = `${context.appDir}/data/credentials/google-cloud-service-account.json`;
  const project = setting(settings, "google_cloud", "google_cloud_project_id");
  return {
    command: "gcloud-mcp",
    env: {
      CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE: file,
      GOOGLE_APPLICATION_CREDENTIALS: file,
      ...(project === ""
        ? {}
        : {
            CLOUDSDK_CORE_PROJECT: project,
            GCP_PROJECT_ID: project,
            GOOGLE_CLOUD_PROJECT: project,
          }),
    },
  };
}
