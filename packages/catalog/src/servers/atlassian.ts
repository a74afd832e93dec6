import type { CatalogEntry } from "@mcp-fleet/schema";

/**
 * Without credentials it starts and lists no tools. So one set of credentials is required, and the probe counts
 * tools.
 */
export const atlassian: CatalogEntry = {
  server: {
    name: "llmctl-mcp-atlassian",
    image: "ghcr.io/sooperset/mcp-atlassian:0.23.1",
    command: ["mcp-atlassian"],
    args: [
      ...["--transport", "streamable-http"],
      ...["--host", "0.0.0.0"],
      ...["--port", "8000"],
      ...["--path", "/mcp"],
      "--stateless",
    ],
    port: 8000,
    health: "/healthz",
    env: {
      HOME: "/tmp",
      // Without the first, 0.23.1 answers 401 to every client that sends no credentials of its own. Without the
      // second, a client's header would replace the server's credentials.
      ALLOW_GLOBAL_CRED_FALLBACK: "true",
      IGNORE_HEADER_AUTH: "true",
    },
    egress: "internet",
    startSeconds: 120,
    resources: {
      requests: { cpu: "50m", memory: "192Mi" },
      limits: { cpu: "1", memory: "512Mi" },
    },
    row: { aliases: ["jira"] },
  },
  credentials: [
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
  traces: { programs: ["mcp-atlassian"], python: ["mcp_atlassian"] },
};
