import type { CatalogEntry } from "@mcp-fleet/schema";

/**
 * `github-mcp-server http` ignores its configured token and expects one with every request. So the stdio server
 * runs behind a bridge, and the token stays in the pod.
 */
export const github: CatalogEntry = {
  server: {
    name: "llmctl-mcp-github",
    source: "bridge",
    stdio: "github-mcp-server stdio",
    port: 8000,
    egress: "internet",
    resources: {
      requests: { cpu: "50m", memory: "96Mi" },
      limits: { cpu: "1", memory: "512Mi" },
    },
  },
  credentials: [
    "GITHUB_PERSONAL_ACCESS_TOKEN",
    "GITHUB_APP_ID",
    "GITHUB_APP_INSTALLATION_ID",
    "GITHUB_APP_PRIVATE_KEY",
  ],
  credentialSets: [
    ["GITHUB_PERSONAL_ACCESS_TOKEN"],
    ["GITHUB_APP_ID", "GITHUB_APP_INSTALLATION_ID", "GITHUB_APP_PRIVATE_KEY"],
  ],
  traces: {
    programs: ["mcp-server-github"],
    npm: ["@modelcontextprotocol/server-github"],
    files: ["*/github-mcp-server"],
  },
};
