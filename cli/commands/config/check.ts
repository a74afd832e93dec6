import { cleanLine, messageOf, readTextFile, UserError } from "@mcp-fleet/errors";
import type { Command } from "commander";

import type { CliContext } from "../../context";
import { exitCodes } from "../../exit-codes";
import { newCommand } from "../../help";

/** Looks at a stack's file, with nothing but the file. */
export function configCheckCommand(context: CliContext): Command {
  return newCommand("check", { example: "mcp-fleet config check Pulumi.prod.yaml" })
    .description("say everything that is wrong in a stack's file; needs no engine and no cluster")
    .argument("<file>", "a Pulumi.<stack>.yaml")
    .action(async (file: string) => {
      const { integratedServers } = await import("@mcp-fleet/catalog");
      const { checkStackFile, sentence } = await import("@mcp-fleet/schema");
      const checked = checkStackFile(file, textOf(file), integratedServers);
      await context.print(checked, () => {
        const lines = checked.problems.map(
          (problem) => `${sentence(problem)}\n  ${cleanLine(problem.fix)}`,
        );
        const unseen = checked.unseen.map(
          (key) => `${key} is encrypted as a whole: what depends on its names was not checked.`,
        );
        const verdict =
          lines.length === 0
            ? `${file}: nothing is wrong; it deploys ${checked.servers.length} ${checked.servers.length === 1 ? "server" : "servers"}.`
            : `${file}: ${lines.length} ${lines.length === 1 ? "thing is" : "things are"} wrong.`;
        return [...lines, ...unseen, verdict].join("\n");
      });
      context.findings(checked.problems.length > 0);
    });
}

function textOf(file: string): string {
  try {
    return readTextFile(file);
  } catch (error) {
    throw new UserError(
      `${file} cannot be read: ${messageOf(error)}.`,
      "Name a Pulumi.<stack>.yaml that is there.",
      { exitCode: exitCodes.usage },
    );
  }
}
