import type { CatalogEntry } from "./types";

const bridgeHealth = { kind: "http", path: "/healthz" } as const;

/** The application's own server. Its image is private; it reads the application's database. */
const llmctlMcp: CatalogEntry = {
  serviceName: "llmctl-mcp",
  source: "image",
  port: 9020,
  path: "/mcp",
  health: { kind: "tcp" },
  env: {
    PORT: "9020",
    LLMCTL_MCP_HOST: "0.0.0.0",
    LLMCTL_MCP_PORT: "9020",
    LLMCTL_MCP_PATH: "/mcp",
    LLMCTL_MCP_TRANSPORT: "streamable-http",
  },
  secretKeys: ["LLMCTL_POSTGRES_PASSWORD"],
  credentialSets: [],
  writable: [],
  session: "stateful",
  egress: "cluster",
  database: true,
  requiredTools: [],
  minTools: 1,
  startSeconds: 120,
  resources: {
    requests: { cpu: "50m", memory: "128Mi" },
    limits: { cpu: "1", memory: "1Gi" },
  },
  // The only key that needs no settings in the application: any other row without them breaks its boot.
  row: { aliases: [], seed: { values: { name: "LLMCTL MCP", created_at: "now" } } },
  traces: { python: ["llmctl_mcp"], files: ["*/llmctl-mcp/run.py"] },
};

/**
 * `github-mcp-server http` ignores the token it is given and wants one with every request, so the token stays in
 * the pod and the stdio server goes behind a bridge.
 */
const github: CatalogEntry = {
  serviceName: "llmctl-mcp-github",
  source: "bridge",
  stdio: "github-mcp-server stdio",
  port: 8000,
  path: "/mcp",
  health: bridgeHealth,
  env: {},
  secretKeys: [
    "GITHUB_PERSONAL_ACCESS_TOKEN",
    "GITHUB_APP_ID",
    "GITHUB_APP_INSTALLATION_ID",
    "GITHUB_APP_PRIVATE_KEY",
  ],
  credentialSets: [
    ["GITHUB_PERSONAL_ACCESS_TOKEN"],
    ["GITHUB_APP_ID", "GITHUB_APP_INSTALLATION_ID", "GITHUB_APP_PRIVATE_KEY"],
  ],
  writable: [],
  session: "stateless",
  egress: "internet",
  requiredTools: [],
  minTools: 1,
  startSeconds: 60,
  resources: {
    requests: { cpu: "50m", memory: "96Mi" },
    limits: { cpu: "1", memory: "512Mi" },
  },
  row: { aliases: [] },
  traces: {
    programs: ["mcp-server-github"],
    npm: ["@modelcontextprotocol/server-github"],
    files: ["*/github-mcp-server"],
  },
};

/** Starts without credentials and then lists no tool, which is why a set is required and the probe counts tools. */
const atlassian: CatalogEntry = {
  serviceName: "llmctl-mcp-atlassian",
  image: "ghcr.io/sooperset/mcp-atlassian:0.23.1",
  source: "image",
  command: ["mcp-atlassian"],
  args: [
    ...["--transport", "streamable-http"],
    ...["--host", "0.0.0.0"],
    ...["--port", "8000"],
    ...["--path", "/mcp"],
    "--stateless",
  ],
  port: 8000,
  path: "/mcp",
  health: { kind: "http", path: "/healthz" },
  env: {
    HOME: "/tmp",
    // Without the first, 0.23.1 answers 401 to every client that brings no credentials of its own;
    // without the second, a client's header would replace the server's credentials.
    ALLOW_GLOBAL_CRED_FALLBACK: "true",
    IGNORE_HEADER_AUTH: "true",
  },
  secretKeys: [
    "JIRA_URL",
    "JIRA_USERNAME",
    "JIRA_API_TOKEN",
    "JIRA_PERSONAL_TOKEN",
    "CONFLUENCE_URL",
    "CONFLUENCE_USERNAME",
    "CONFLUENCE_API_TOKEN",
    "CONFLUENCE_PERSONAL_TOKEN",
  ],
  credentialSets: [
    ["JIRA_URL", "JIRA_USERNAME", "JIRA_API_TOKEN"],
    ["CONFLUENCE_URL", "CONFLUENCE_USERNAME", "CONFLUENCE_API_TOKEN"],
    ["JIRA_URL", "JIRA_PERSONAL_TOKEN"],
    ["CONFLUENCE_URL", "CONFLUENCE_PERSONAL_TOKEN"],
  ],
  writable: [],
  session: "stateless",
  egress: "internet",
  requiredTools: [],
  minTools: 1,
  startSeconds: 120,
  resources: {
    requests: { cpu: "50m", memory: "192Mi" },
    limits: { cpu: "1", memory: "512Mi" },
  },
  row: { aliases: ["jira"] },
  traces: { programs: ["mcp-atlassian"], python: ["mcp_atlassian"] },
};

/** Speaks stdio only. Its client is built at start, so an unreachable Chroma shows per request, never as a pod failure. */
const chroma: CatalogEntry = {
  serviceName: "llmctl-mcp-chroma",
  source: "bridge",
  stdio: "chroma-mcp",
  port: 8000,
  path: "/mcp",
  health: bridgeHealth,
  env: {
    HOME: "/tmp",
    CHROMA_CLIENT_TYPE: "http",
    CHROMA_HOST: "llmctl-chromadb",
    CHROMA_PORT: "8000",
    CHROMA_SSL: "false",
    ANONYMIZED_TELEMETRY: "false",
  },
  secretKeys: ["CHROMA_API_KEY", "CHROMA_CUSTOM_AUTH_CREDENTIALS"],
  credentialSets: [],
  writable: [],
  session: "stateless",
  egress: "cluster",
  requiredTools: [],
  minTools: 1,
  startSeconds: 60,
  resources: {
    requests: { cpu: "100m", memory: "192Mi" },
    limits: { cpu: "2", memory: "1Gi" },
  },
  row: { aliases: [] },
  traces: {
    programs: ["chroma-mcp"],
    python: ["chroma_mcp"],
    files: ["*/llmctl-mcp/*chroma*.py"],
  },
};

/** Speaks stdio only and runs `gcloud` for each call. Credentials: workload identity, or a key file. */
const googleCloud: CatalogEntry = {
  serviceName: "llmctl-mcp-google-cloud",
  source: "bridge",
  stdio: "gcloud-mcp",
  port: 8000,
  path: "/mcp",
  health: bridgeHealth,
  env: {
    HOME: "/tmp",
    CLOUDSDK_CONFIG: "/tmp/gcloud",
    CLOUDSDK_CORE_DISABLE_PROMPTS: "1",
  },
  secretKeys: ["CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", "GOOGLE_APPLICATION_CREDENTIALS"],
  credentialSets: [],
  writable: [],
  session: "stateless",
  egress: "internet",
  requiredTools: ["run_gcloud_command"],
  minTools: 1,
  startSeconds: 60,
  resources: {
    requests: { cpu: "50m", memory: "128Mi" },
    limits: { cpu: "1", memory: "1Gi" },
  },
  row: { aliases: [] },
  traces: { programs: ["gcloud-mcp"], npm: ["@google-cloud/gcloud-mcp"] },
};

/**
 * Works without a person at a browser only as a service account with domain-wide delegation, and then ends at start
 * when it is not told as which user (`USER_GOOGLE_EMAIL`). It checks the key's form, and asks Google only when a tool
 * is called.
 */
const googleWorkspace: CatalogEntry = {
  serviceName: "llmctl-mcp-google-workspace",
  image: "ghcr.io/taylorwilsdon/google_workspace_mcp:2.2.1",
  source: "image",
  args: ["--transport", "streamable-http"],
  port: 8000,
  path: "/mcp",
  health: { kind: "http", path: "/health" },
  env: {
    HOME: "/tmp",
    PORT: "8000",
    // It binds the loopback address otherwise.
    WORKSPACE_MCP_HOST: "0.0.0.0",
    WORKSPACE_MCP_CREDENTIALS_DIR: "/tmp/credentials",
  },
  secretKeys: [
    "GOOGLE_OAUTH_CLIENT_ID",
    "GOOGLE_OAUTH_CLIENT_SECRET",
    "GOOGLE_SERVICE_ACCOUNT_KEY_JSON",
    "GOOGLE_SERVICE_ACCOUNT_KEY_FILE",
    "USER_GOOGLE_EMAIL",
  ],
  credentialSets: [
    ["GOOGLE_SERVICE_ACCOUNT_KEY_JSON", "USER_GOOGLE_EMAIL"],
    ["GOOGLE_SERVICE_ACCOUNT_KEY_FILE", "USER_GOOGLE_EMAIL"],
  ],
  writable: [],
  session: "stateful",
  egress: "internet",
  requiredTools: [],
  minTools: 1,
  startSeconds: 120,
  resources: {
    requests: { cpu: "50m", memory: "192Mi" },
    limits: { cpu: "1", memory: "512Mi" },
  },
  row: { aliases: [] },
  traces: { programs: ["workspace-mcp"], python: ["workspace_mcp"] },
};

/** The servers bundled in the application's image, by the key of their database row. */
export const integratedServers: Readonly<Record<string, CatalogEntry>> = {
  "llmctl-mcp": llmctlMcp,
  github,
  atlassian,
  chroma,
  "google-cloud": googleCloud,
  "google-workspace": googleWorkspace,
};
