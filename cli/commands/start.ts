import type { Command } from "commander";

import { timeoutOption } from "../arguments";
import type { CliContext } from "../context";
import { newCommand } from "../help";
import { serverArgument, shownChange, waiting } from "../servers";

export function startCommand(context: CliContext): Command {
  return newCommand("start", {
    group: "Servers",
    example: "mcp-fleet start github -n llmctl",
  })
    .description("scale a stopped server to one replica and wait until it is ready")
    .addArgument(serverArgument())
    .option("--no-wait", "do not wait")
    .addOption(timeoutOption(300))
    .action(async (name: string, { wait, timeout }: { wait: boolean; timeout: number }) => {
      const { startMcp } = await import("@mcp-fleet/lifecycle");
      const options = { wait, ...waiting(context, timeout) };
      const change = await startMcp(await context.cluster(), name, options);
      await context.print(change, () => shownChange(context, change));
    });
}
