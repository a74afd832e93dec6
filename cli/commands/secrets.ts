import type { Command } from "commander";

import type { CliContext } from "../context";
import { newCommand } from "../help";
import { secretsImportCommand } from "./secrets/import";

export function secretsCommand(context: CliContext): Command {
  return newCommand("secrets", {
    group: "Rows",
    example: "mcp-fleet secrets import --stack prod --dry-run",
  })
    .description("read credentials of the servers out of the rows")
    .addCommand(secretsImportCommand(context));
}
