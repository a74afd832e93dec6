import type { Command } from "commander";

import { timeoutOption } from "../arguments";
import type { CliContext } from "../context";
import { newCommand } from "../help";
import { serverArgument, shownChange, waiting } from "../servers";

export function restartCommand(context: CliContext): Command {
  return newCommand("restart", {
    group: "Servers",
    example: "mcp-fleet restart github -n llmctl",
  })
    .description("replace a server's pods one by one and wait until the new ones are ready")
    .addArgument(serverArgument())
    .option("--no-wait", "do not wait")
    .addOption(timeoutOption(300))
    .action(async (name: string, { wait, timeout }: { wait: boolean; timeout: number }) => {
      const { restartMcp } = await import("@mcp-fleet/lifecycle");
      const options = { wait, ...waiting(context, timeout) };
      const change = await restartMcp(await context.cluster(), name, options);
      await context.print(change, () => shownChange(context, change));
    });
}
