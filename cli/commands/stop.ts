import type { Command } from "commander";

import { timeoutOption } from "../arguments";
import type { CliContext } from "../context";
import { newCommand } from "../help";
import { serverArgument, shownChange, waiting } from "../servers";

interface StopOptions {
  readonly force?: true;
  readonly wait?: true;
  readonly timeout: number;
}

export function stopCommand(context: CliContext): Command {
  return newCommand("stop", {
    group: "Servers",
    example: "mcp-fleet stop github -n llmctl --wait",
  })
    .description("scale a server to no replica")
    .addArgument(serverArgument())
    .option(
      "--force",
      "end its pods at once, without their grace period, and wait until they are gone",
    )
    .option("--wait", "wait until no pod is left")
    .addOption(timeoutOption(300))
    .action(async (name: string, { force, wait, timeout }: StopOptions) => {
      const { stopMcp } = await import("@mcp-fleet/lifecycle");
      const options = {
        force: force === true,
        wait: wait === true,
        ...waiting(context, timeout),
      };
      const change = await stopMcp(await context.cluster(), name, options);
      await context.print(change, () => shownChange(context, change));
    });
}
