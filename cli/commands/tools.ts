import type { Command } from "commander";

import type { CliContext } from "../context";
import { newCommand } from "../help";
import { toolsApproveCommand } from "./tools/approve";
import { toolsDiffCommand } from "./tools/diff";
import { toolsLockCommand } from "./tools/lock";

export function toolsCommand(context: CliContext): Command {
  return newCommand("tools", {
    group: "Checks",
    example: "mcp-fleet tools diff --stack prod",
  })
    .description("agree to the tools that servers list, in Pulumi.<stack>.tools.json")
    .addCommand(toolsLockCommand(context))
    .addCommand(toolsDiffCommand(context))
    .addCommand(toolsApproveCommand(context));
}
