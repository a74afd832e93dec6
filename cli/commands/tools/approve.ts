import type { Command } from "commander";

import type { CliContext } from "../../context";
import { type StackOptions, withStack } from "../../day-two/stack";
import { openToolsLock } from "../../day-two/tools-lock";
import { newCommand } from "../../help";
import { oneServer } from "./diff";

/** Takes what servers list for what is agreed. */
export function toolsApproveCommand(context: CliContext): Command {
  return withStack(
    newCommand("approve", {
      example:
        "mcp-fleet tools approve --stack prod github --image ghcr.io/github/github-mcp-server:v0.31.0",
    }),
    { file: false },
  )
    .description("write what servers list in place of what was agreed, and say what changed")
    .argument("<server...>", "the servers")
    .option("--image <image>", "of the server with this image, started beside the one that runs")
    .action(async (names: string[], options: StackOptions & { image?: string }) => {
      const image = oneServer(names, options.image);
      const lock = await openToolsLock(context, options);
      const changes = await lock.compare(names, image);
      lock.write(changes);
      const { changesText } = await import("../../day-two/tools-text.js");
      await context.print(lock.shown(changes), () => changesText(changes, context.width()));
      context.note(
        `${lock.file} has them now. Commit it; the next update holds the servers to it.`,
      );
    });
}
