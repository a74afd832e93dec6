import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";

/** Shows in every handshake that this is not the real server. */
export const stubVersion = "0.0.0-mcp-fleet-lab-stub";

const paging = {
  page: z.number().int().min(1).optional().describe("Page number, from 1"),
  perPage: z.number().int().min(1).max(100).optional().describe("Results per page, 1 to 100"),
};

function answer(tool: string, content: Record<string, unknown>) {
  const text = JSON.stringify({ stub: true, note: "mcp-fleet lab stub, not GitHub", ...content });
  return { content: [{ type: "text" as const, text }], _meta: { "mcp-fleet.dev/stub": tool } };
}

/**
 * A small conforming server with a few of the GitHub server's tool names and made-up answers.
 * The lab uses it because the real one is not in any package registry; the image recipe uses the real one.
 */
export function githubStub(): McpServer {
  const server = new McpServer(
    {
      name: "github-mcp-server",
      title: "GitHub MCP Server (mcp-fleet lab stub)",
      version: stubVersion,
    },
    { instructions: "Lab stub: answers are made up and nothing reaches GitHub." },
  );
  server.registerTool(
    "get_me",
    { description: "Get the authenticated user (lab stub)", inputSchema: {} },
    () => answer("get_me", { login: "lab-user" }),
  );
  server.registerTool(
    "search_repositories",
    {
      description: "Search repositories (lab stub)",
      inputSchema: { query: z.string().describe("Search terms"), ...paging },
    },
    ({ query }) => answer("search_repositories", { query, total_count: 0, items: [] }),
  );
  server.registerTool(
    "list_issues",
    {
      description: "List the issues of a repository (lab stub)",
      inputSchema: {
        owner: z.string().describe("Repository owner"),
        repo: z.string().describe("Repository name"),
        state: z.enum(["OPEN", "CLOSED"]).optional().describe("Only issues in this state"),
        ...paging,
      },
    },
    ({ owner, repo }) => answer("list_issues", { repository: `${owner}/${repo}`, issues: [] }),
  );
  return server;
}
