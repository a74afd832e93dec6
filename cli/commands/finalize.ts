import { UserError } from "@mcp-fleet/errors";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { openFleet, type StackOptions, withStack } from "../day-two/stack";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";

export function finalizeCommand(context: CliContext): Command {
  return withStack(
    newCommand("finalize", {
      group: "Rows",
      example: "mcp-fleet finalize --stack prod --generation 3 --yes",
    }),
  )
    .description(
      "drop the rows as they were before, with the credentials in them; no rollback from then on",
    )
    .requiredOption("--generation <number>", "the newest generation, as drift shows it")
    .option("--yes", "really; there is no way back from this")
    .action(async (options: StackOptions & { generation: string; yes?: true }) => {
      if (options.yes !== true) {
        throw new UserError(
          "After this the rows cannot be taken back by any rollback; nothing was changed.",
          "Add --yes if that is what you want.",
          { exitCode: exitCodes.usage },
        );
      }
      const { fleet, credentials } = await openFleet(context, options);
      const { withDatabase } = await import("@mcp-fleet/cutover-runner");
      const { finalize } = await import("@mcp-fleet/row-cutover");
      const done = await withDatabase(fleet, credentials, (db) =>
        finalize(db, fleet.spec, Number(options.generation)),
      );
      await context.print(
        done,
        () =>
          `Generation ${done.generation} is final since ${done.finalizedAt}: ${done.dropped} before-images dropped.`,
      );
    });
}
