import { UserError } from "@mcp-fleet/errors";
import { Command } from "commander";

import type { CliContext } from "../context";
import { openFleet, type StackOptions, withStack } from "../day-two/stack";
import { exitCodes } from "../exit-codes";

export function settleCommand(context: CliContext): Command {
  return withStack(new Command("settle"))
    .description(
      "end the newest generation's rollout: wait for the last old pod, remove the write fence",
    )
    .option("--deadline <seconds>", "how long old pods may take to go", "600")
    .action(async ({ deadline, ...options }: StackOptions & { deadline: string }) => {
      const { fleet, credentials } = await openFleet(context, options);
      const { readLedgerStep, runSettleStep } = await import("@mcp-fleet/cutover-runner");
      const ledger = await readLedgerStep(fleet, credentials);
      const settled = await runSettleStep(
        { ...fleet, generation: ledger?.generation ?? 0, deadlineSeconds: Number(deadline) },
        credentials,
        (line) => context.note(`waiting: ${line}`),
      );
      await context.print(settled, () =>
        settled.generation === 0
          ? "There is nothing to settle: no cutover has run yet."
          : `Generation ${settled.generation} was settled at ${settled.settledAt}: ${settled.fencedWrites} writes held off, ${settled.converted} rows written again${settled.removedFence ? ", write fence removed" : ""}.`,
      );
    });
}

export function finalizeCommand(context: CliContext): Command {
  return withStack(new Command("finalize"))
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
