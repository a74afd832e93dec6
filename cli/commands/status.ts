import type { McpServerStatus } from "@mcp-fleet/lifecycle";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { newCommand } from "../help";
import { isFinding, pathHelp, serverArgument, shownState } from "../servers";
import { facts, table } from "../terminal";

export function statusCommand(context: CliContext): Command {
  return newCommand("status", {
    group: "Servers",
    example: "mcp-fleet status github -n llmctl",
  })
    .description("show one server in detail, and what keeps it from running")
    .addArgument(serverArgument())
    .option("--probe", "ask it whether it answers MCP")
    .option("--path <path>", pathHelp)
    .action(async (name: string, { probe, path }: { probe?: true; path?: string }) => {
      const { getMcpStatus } = await import("@mcp-fleet/lifecycle");
      const kube = await context.cluster();
      const server = await getMcpStatus(kube, name, probe === true ? { probe: { path } } : {});
      await context.print(server, () => shown(context, server));
      context.findings(isFinding(server));
    });
}

function shown(context: CliContext, server: McpServerStatus): string {
  const { name, namespace, kind, workload, services, url, lastActivity, lastActivityFrom } = server;
  const rows: [string, string][] = [
    ["server", `${name} in namespace ${namespace}`],
    ["status", shownState(context, server.status)],
    ...troublesOf(server).map((trouble): [string, string] => ["trouble", trouble]),
    ...linesOf(server),
    ...server.obstacles.map((one): [string, string] => ["in the way", one]),
    [
      "replicas",
      `${server.replicas} wanted, ${server.readyReplicas} ready, ${server.availableReplicas} available, ${server.updatedReplicas} on the newest template`,
    ],
    ...imagesOf(server),
    [kind, workload],
    ["Services", services.length === 0 ? "none" : services.join(", ")],
    ["endpoints", server.endpoints.length === 0 ? "none" : server.endpoints.join(", ")],
    ...(url === undefined ? [] : [["URL in the cluster", url] as [string, string]]),
    ...(lastActivity === undefined
      ? []
      : [["last activity", `${lastActivity} (${lastActivityFrom})`] as [string, string]]),
    ...(server.probe === undefined ? [] : [["MCP", server.probe.message] as [string, string]]),
  ];
  const conditions = server.conditions.map(({ type, status, reason, lastUpdate }) => [
    ...[type, status, reason ?? "", lastUpdate ?? ""],
  ]);
  return [
    facts(rows, context.width()),
    ...(conditions.length === 0
      ? []
      : ["", table(["condition", "holds", "reason", "last update"], conditions, context.width())]),
  ].join("\n");
}

/** The reason from the pods; without one, the state of the rollout. */
function troublesOf({ troubles, reason, probe }: McpServerStatus): readonly string[] {
  if (troubles.length > 0) return troubles;
  return reason === undefined || reason === probe?.message ? [] : [reason];
}

/** What failing containers printed last, each line on its own. */
function linesOf({ lastLines }: McpServerStatus): [string, string][] {
  return lastLines.flatMap(({ pod, container, lines }): [string, string][] => [
    ["last lines", `of container ${container} in pod ${pod}:`],
    ...lines.map((line): [string, string] => ["", line]),
  ]);
}

/** The wanted image and the images that serve, where they differ. */
function imagesOf({ image, serving }: McpServerStatus): [string, string][] {
  const others = serving.filter((one) => one.image !== image);
  if (others.length === 0) return [["image", image]];
  return [
    ["image wanted", image],
    ...serving.map((one): [string, string] => [
      "image serving",
      `${one.image} (${one.pods === 1 ? "1 pod" : `${one.pods} pods`})`,
    ]),
  ];
}
