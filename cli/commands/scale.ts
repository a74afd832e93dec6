import type { Command } from "commander";

import { timeoutOption, wholeNumber } from "../arguments";
import type { CliContext } from "../context";
import { newCommand } from "../help";
import { serverArgument, shownChange, waiting } from "../servers";

export function scaleCommand(context: CliContext): Command {
  return newCommand("scale", {
    group: "Servers",
    example: "mcp-fleet scale github 2 -n llmctl --wait",
  })
    .description("give a server 0 to 10 replicas")
    .addArgument(serverArgument())
    .argument("<replicas>", "0 to 10", wholeNumber)
    .option("--wait", "wait until all are ready, or none is left")
    .addOption(timeoutOption(300))
    .action(
      async (
        name: string,
        replicas: number,
        { wait, timeout }: { wait?: true; timeout: number },
      ) => {
        const { scaleMcp } = await import("@mcp-fleet/lifecycle");
        const options = { wait: wait === true, ...waiting(context, timeout) };
        const change = await scaleMcp(await context.cluster(), name, replicas, options);
        await context.print(change, () => shownChange(context, change));
      },
    );
}
