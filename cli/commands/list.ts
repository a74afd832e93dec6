import type { McpServerSummary } from "@mcp-fleet/lifecycle";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { newCommand } from "../help";
import { isFinding, pathHelp, requireNamespace, shownReplicas, shownState } from "../servers";
import { table } from "../terminal";

export function listCommand(context: CliContext): Command {
  return newCommand("list", {
    group: "Servers",
    example: "mcp-fleet list -n llmctl --probe",
  })
    .description("list the namespace's MCP servers")
    .option("--probe", "ask each running server whether it answers MCP")
    .option("--path <path>", pathHelp)
    .action(async ({ probe, path }: { probe?: true; path?: string }) => {
      const { listMcpServers } = await import("@mcp-fleet/lifecycle");
      const kube = await context.cluster();
      const onUnseen = (problem: string): void => context.note(`not seen: ${problem}`);
      const servers = await listMcpServers(kube, {
        onUnseen,
        ...(probe === true ? { probe: { path } } : {}),
      });
      if (servers.length === 0) {
        await requireNamespace(kube);
        context.note(`No MCP servers in namespace ${kube.namespace}.`);
      }
      await context.print(servers, () =>
        servers.length === 0 ? "" : shown(context, servers, probe === true),
      );
      context.findings(servers.some(isFinding));
    });
}

function shown(context: CliContext, servers: readonly McpServerSummary[], probed: boolean): string {
  return table(
    [
      ...["server", "status", "ready"],
      { title: "endpoints", folds: true },
      ...(probed ? [{ title: "MCP", folds: true } as const] : []),
    ],
    servers.map((server) => ({
      cells: [
        server.name,
        shownState(context, server.status),
        shownReplicas(server),
        server.endpoints.join(", "),
        ...(probed ? [server.probe?.message ?? "not asked"] : []),
      ],
      // The answer to a probe has a column of its own.
      notes: [
        ...(server.reason === undefined || server.reason === server.probe?.message
          ? []
          : [server.reason]),
        ...server.obstacles,
      ],
    })),
    context.width(),
  );
}
