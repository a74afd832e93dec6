import { cleanJson } from "@mcp-fleet/errors";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { openFleet, type StackOptions, withStack } from "../day-two/stack";
import { newCommand } from "../help";

export function describeCommand(context: CliContext): Command {
  return withStack(
    newCommand("describe", {
      group: "Stack",
      example: "mcp-fleet describe --stack prod --in-cluster > fleet.json",
    }),
    { file: false },
  )
    .description(
      "print the cutover as --fleet takes it, for a machine or pod without the stack; it may hold headers",
    )
    .option(
      "--in-cluster",
      "as a pod needs it: its own account, database and probe from where it stands",
    )
    .action(async (options: StackOptions & { inCluster?: true }) => {
      const { fleet } = await openFleet(context, options);
      const shown =
        options.inCluster === true
          ? {
              ...fleet,
              kubernetes: {},
              database: { ...fleet.database, connect: "direct" },
              probe: { ...fleet.probe, from: "here" },
            }
          : fleet;
      context.streams.stdout.write(cleanJson(`${JSON.stringify(shown, undefined, 2)}\n`));
    });
}
