import { messageOf, UserError } from "@mcp-fleet/errors";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { found, roundText } from "../day-two/checks";
import { openFleet, type StackOptions, withStack } from "../day-two/stack";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";

export function checkCommand(context: CliContext): Command {
  return withStack(
    newCommand("check", {
      group: "Checks",
      example: "mcp-fleet check --fleet fleet.json --push http://pushgateway:9091",
    }),
  )
    .description(
      "run verify and drift once, for a CronJob; exit code 10 when either finds something",
    )
    .option("--push <url>", "a Prometheus Pushgateway that gets the metrics")
    .action(async ({ push, ...options }: StackOptions & { push?: string }) => {
      const { fleet, credentials } = await openFleet(context, options);
      const { CheckMetrics, pushMetrics, runChecks } = await import("@mcp-fleet/operations");
      const metrics = new CheckMetrics(fleet.spec.name);
      const round = await runChecks(fleet, credentials, metrics);
      if (push !== undefined) {
        try {
          await pushMetrics(metrics, push, fleet.spec.name);
        } catch (error) {
          throw new UserError(
            `The Pushgateway ${new URL(push).origin} did not take the metrics: ${messageOf(error)}.`,
            "Check the address given with --push, and the way there from this pod.",
            { exitCode: exitCodes.unreachable },
          );
        }
      }
      await context.print(round, () => roundText(round));
      if (round.errors.length > 0) process.exitCode = exitCodes.failed;
      else if (found(round) > 0) process.exitCode = exitCodes.findings;
    });
}
