import { table } from "@mcp-fleet/terminal";
import { Command } from "commander";

import type { CliContext } from "../context";
import { shownReplicas, shownState } from "../servers";

export function listCommand(context: CliContext): Command {
  return new Command("list")
    .description("the namespace's MCP servers")
    .option("--probe", "ask each running server whether it answers MCP")
    .option("--path <path>", "path of the MCP endpoint, for --probe", "/mcp")
    .action(async ({ probe, path }: { probe?: true; path: string }) => {
      const { listMcpServers } = await import("@mcp-fleet/lifecycle");
      const kube = await context.cluster();
      const servers = await listMcpServers(kube, probe === true ? { probe: { path } } : {});
      if (servers.length === 0) context.note(`No MCP servers in namespace ${kube.namespace}.`);
      await context.print(servers, () =>
        servers.length === 0
          ? ""
          : table(
              ["server", "status", "ready", "endpoints", ...(probe === true ? ["MCP"] : [])],
              servers.map((server) => [
                server.name,
                shownState(context, server.status),
                shownReplicas(server),
                server.endpoints.join(", "),
                ...(probe === true ? [server.probe?.message ?? "not asked"] : []),
              ]),
            ),
      );
      context.findings(servers.some(({ status }) => status === "degraded"));
    });
}
