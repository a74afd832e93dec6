import type { CatalogEntry } from "@mcp-fleet/schema";

/**
 * Without a person at a browser it works only with a service account that has domain-wide delegation, and it
 * exits at start when `USER_GOOGLE_EMAIL` is not set. It validates the key's form, and contacts Google only when
 * a tool is called.
 */
export const googleWorkspace: CatalogEntry = {
  server: {
    name: "llmctl-mcp-google-workspace",
    image: "ghcr.io/taylorwilsdon/google_workspace_mcp:2.2.1",
    args: ["--transport", "streamable-http"],
    port: 8000,
    health: "/health",
    env: {
      HOME: "/tmp",
      PORT: "8000",
      // By default it listens on the loopback address.
      WORKSPACE_MCP_HOST: "0.0.0.0",
      WORKSPACE_MCP_CREDENTIALS_DIR: "/tmp/credentials",
    },
    session: "stateful",
    egress: "internet",
    startSeconds: 120,
    resources: {
      requests: { cpu: "50m", memory: "192Mi" },
      limits: { cpu: "1", memory: "512Mi" },
    },
  },
  credentials: [
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
  traces: { programs: ["workspace-mcp"], python: ["workspace_mcp"] },
};
