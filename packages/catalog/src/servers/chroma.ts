import type { CatalogEntry } from "@mcp-fleet/schema";

/**
 * Supports stdio only. It connects to Chroma per request, so an unreachable Chroma is an error of a request and
 * never of the pod.
 */
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
