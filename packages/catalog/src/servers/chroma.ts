import type { CatalogEntry } from "@mcp-fleet/schema";

/** Speaks stdio only. Its client is built at start, so an unreachable Chroma shows per request, never as a pod failure. */
export const chroma: CatalogEntry = {
  server: {
    name: "llmctl-mcp-chroma",
    source: "bridge",
    stdio: "chroma-mcp",
    port: 8000,
    env: {
      HOME: "/tmp",
      CHROMA_CLIENT_TYPE: "http",
      CHROMA_HOST: "llmctl-chromadb",
      CHROMA_PORT: "8000",
      CHROMA_SSL: "false",
      ANONYMIZED_TELEMETRY: "false",
    },
    egress: "cluster",
    resources: {
      requests: { cpu: "100m", memory: "192Mi" },
      limits: { cpu: "2", memory: "1Gi" },
    },
  },
  credentials: ["CHROMA_API_KEY", "CHROMA_CUSTOM_AUTH_CREDENTIALS"],
  credentialSets: [],
  traces: {
    programs: ["chroma-mcp"],
    python: ["chroma_mcp"],
    files: ["*/llmctl-mcp/*chroma*.py"],
  },
};
