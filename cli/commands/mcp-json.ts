import { UserError } from "@mcp-fleet/errors";
import { type Command, Option } from "commander";

import type { CliContext } from "../context";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";

interface Options {
  readonly url: "in-cluster" | "outside";
  readonly into?: string;
  readonly replace: boolean;
}

/** The namespace's servers as MCP clients name them in their .mcp.json. */
export function mcpJsonCommand(context: CliContext): Command {
  return newCommand("mcp-json", {
    group: "Servers",
    example: "mcp-fleet mcp-json -n llmctl --url outside --into .mcp.json",
  })
    .description("write the namespace's MCP servers as entries of a client's .mcp.json")
    .addOption(
      new Option("--url <which>", "Service names, or node ports and load balancers")
        .choices(["in-cluster", "outside"])
        .default("in-cluster"),
    )
    .option("--into <file>", "merge them into this file, in which everything else stays")
    .option("--replace", "also where an entry of the same name starts a process", false)
    .action((options: Options) => mcpJsonOf(context, options));
}

async function mcpJsonOf(context: CliContext, options: Options): Promise<void> {
  const { findServers } = await import("@mcp-fleet/cluster");
  const { mcpJson, mergeMcpJson, readClientFile, writeClientFile } =
    await import("@mcp-fleet/client-config");
  const kube = await context.cluster();
  const { servers: found, leftOut } = await findServers(kube, kube.namespace);
  const servers = found.flatMap(({ name, inCluster, outside }) => {
    const url = options.url === "outside" ? outside : inCluster;
    return url === undefined ? [] : [{ name, url }];
  });
  for (const { name, why } of leftOut) context.note(`left out: ${name}: ${why}`);
  if (servers.length === 0)
    throw nothingFound(kube.namespace, found.length + leftOut.length, options.url === "outside");
  if (options.into === undefined) {
    const file = mcpJson(servers);
    await context.print(file, () => JSON.stringify(file, null, 2));
    return;
  }
  const before = readClientFile(options.into);
  const { text, dropped } = mergeMcpJson(before, servers, options.replace, options.into);
  writeClientFile(options.into, text);
  for (const { name, keys } of dropped)
    context.note(
      `${name} now leads to another address, so ${keys.join(", ")} of its entry is gone; put it back if it is meant for that one.`,
    );
  context.note(`${servers.length} servers are in ${options.into}.`);
}

function nothingFound(namespace: string, all: number, outside: boolean): UserError {
  return new UserError(
    all === 0
      ? `There is no MCP server in namespace ${namespace}.`
      : `None of the ${all} MCP servers in namespace ${namespace} has an address ${outside ? "outside of" : "in"} the cluster.`,
    all === 0
      ? "Name their namespace with --namespace."
      : outside
        ? "Set service.type of a server to NodePort or LoadBalancer, or take --url in-cluster."
        : "Give one a Service that selects its pods; mcp-fleet status says what is in the way.",
    { exitCode: exitCodes.notFound },
  );
}
