import type { McpServerStatus } from "@mcp-fleet/lifecycle";
import { table } from "@mcp-fleet/terminal";
import { Command } from "commander";

import type { CliContext } from "../context";
import { shownState } from "../servers";

export function statusCommand(context: CliContext): Command {
  return new Command("status")
    .description("one server in detail")
    .argument("<name>", "the server's Deployment")
    .option("--probe", "ask it whether it answers MCP")
    .option("--path <path>", "path of the MCP endpoint, for --probe", "/mcp")
    .action(async (name: string, { probe, path }: { probe?: true; path: string }) => {
      const { getMcpStatus } = await import("@mcp-fleet/lifecycle");
      const kube = await context.cluster();
      const server = await getMcpStatus(kube, name, probe === true ? { probe: { path } } : {});
      await context.print(server, () => shown(context, server));
      context.findings(server.status === "degraded");
    });
}

function shown(context: CliContext, server: McpServerStatus): string {
  const activity =
    server.lastActivity === undefined
      ? []
      : [["last activity", `${server.lastActivity} (${server.lastActivityFrom})`]];
  const facts = [
    ["status", shownState(context, server.status)],
    [
      "replicas",
      `${server.replicas} wanted, ${server.readyReplicas} ready, ${server.availableReplicas} available, ${server.updatedReplicas} updated`,
    ],
    ["image", server.image],
    ["endpoints", server.endpoints.length === 0 ? "none" : server.endpoints.join(", ")],
    ...activity,
    ...(server.probe === undefined ? [] : [["MCP", server.probe.message]]),
    ...server.troubles.map((trouble) => ["trouble", trouble]),
  ];
  const conditions = server.conditions.map(({ type, status, reason, lastUpdate }) => [
    type,
    status,
    reason ?? "",
    lastUpdate ?? "",
  ]);
  return [
    table([server.name, server.namespace], facts),
    ...(conditions.length === 0
      ? []
      : ["", table(["condition", "holds", "reason", "last update"], conditions)]),
  ].join("\n");
}
