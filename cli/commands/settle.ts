import type { Command } from "commander";

import type { CliContext } from "../context";
import { openFleet, type StackOptions, withStack } from "../day-two/stack";
import { newCommand } from "../help";

export function settleCommand(context: CliContext): Command {
  return withStack(
    newCommand("settle", {
      group: "Rows",
      example: "mcp-fleet settle --stack prod",
    }),
  )
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
