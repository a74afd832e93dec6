import type { Places, StrayServer } from "@mcp-fleet/cluster";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";
import { table } from "../terminal";

interface Options {
  readonly allowCluster: string[];
  readonly allowNamespace: string[];
  readonly forbidCluster: string[];
  readonly forbidNamespace: string[];
}

const cluster = "UID of its namespace kube-system, or a range its nodes lie in (repeatable)";

/** Finds MCP servers where they must not be. Changes nothing. */
export function strayCommand(context: CliContext): Command {
  return newCommand("stray", {
    group: "Checks",
    example: "mcp-fleet stray --allow-cluster 10.20.0.0/24 --allow-namespace ai-platform",
  })
    .description(
      "find MCP servers in a cluster or namespace where none may be, and what to do about each",
    )
    .option("--allow-cluster <cluster...>", `where they may be: ${cluster}`, [])
    .option("--allow-namespace <name...>", "namespaces they may be in (repeatable)", [])
    .option("--forbid-cluster <cluster...>", `where they may not be: ${cluster}`, [])
    .option("--forbid-namespace <name...>", "namespaces they may not be in (repeatable)", [])
    .action((options: Options) => stray(context, options));
}

async function stray(context: CliContext, options: Options): Promise<void> {
  const { findStray, requirePlaces, strayReport } = await import("@mcp-fleet/cluster");
  const allowed: Places = { clusters: options.allowCluster, namespaces: options.allowNamespace };
  const forbidden: Places = {
    clusters: options.forbidCluster,
    namespaces: options.forbidNamespace,
  };
  requirePlaces(allowed, forbidden);
  const found = await findStray(await context.cluster(), allowed, forbidden);
  await context.print(found, () => overview(found.servers, context.width()));
  for (const line of strayReport(found.cluster, found.servers, allowed)) context.note(line);
  if (found.servers.length > 0) process.exitCode = exitCodes.findings;
}

function overview(servers: readonly StrayServer[], width: number): string {
  return table(
    ["workload", "namespace", "known by", "advice", { title: "image", folds: true }],
    servers.map(({ kind, name, namespace, evidence, advice, images }) => [
      `${kind} ${name}`,
      ...[namespace, evidence, advice],
      images.join(", "),
    ]),
    width,
  );
}
