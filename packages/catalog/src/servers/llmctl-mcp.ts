import type { CatalogEntry } from "@mcp-fleet/schema";

/** The application's own server. Its image is private; it reads the application's database. */
export const llmctlMcp: CatalogEntry = {
  server: {
    name: "llmctl-mcp",
    port: 9020,
    env: {
      PORT: "9020",
      LLMCTL_MCP_HOST: "0.0.0.0",
      LLMCTL_MCP_PORT: "9020",
      LLMCTL_MCP_PATH: "/mcp",
      LLMCTL_MCP_TRANSPORT: "streamable-http",
    },
    session: "stateful",
    egress: "cluster",
    database: true,
    startSeconds: 120,
    resources: {
      requests: { cpu: "50m", memory: "128Mi" },
      limits: { cpu: "1", memory: "1Gi" },
    },
    // The only key without settings in the application: the application fails to start with any other row that
    // has none.
    row: { seed: { values: { name: "LLMCTL MCP", created_at: "now" } } },
  },
  credentials: ["LLMCTL_POSTGRES_PASSWORD"],
  credentialSets: [],
  traces: { python: ["llmctl_mcp"], files: ["*/llmctl-mcp/run.py"] },
};
