import type { Command } from "commander";

import type { CliContext } from "../context";
import { newCommand } from "../help";
import { configCheckCommand } from "./config/check";

export function configCommand(context: CliContext): Command {
  return newCommand("config", {
    group: "Stack",
    example: "mcp-fleet config check Pulumi.prod.yaml",
  })
    .description("look at a stack's file")
    .addCommand(configCheckCommand(context));
}
