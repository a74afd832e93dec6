import type { DriftReport } from "@mcp-fleet/operations";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { openFleet, type StackOptions, withStack } from "../day-two/stack";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";
import { table } from "../terminal";

export function driftCommand(context: CliContext): Command {
  return withStack(
    newCommand("drift", {
      group: "Checks",
      example: "mcp-fleet drift --stack prod --ignore service-without-row/chroma",
    }),
  )
    .description(
      "compare rows with ledger, Services and stack outputs, both ways; exit code 10 on a difference",
    )
    .option(
      "--ignore <kind/subject...>",
      "findings that are known, such as service-without-row/chroma",
    )
    .action(async ({ ignore = [], ...options }: StackOptions & { ignore?: string[] }) => {
      const { fleet, credentials } = await openFleet(context, options);
      const { findDrift } = await import("@mcp-fleet/operations");
      const found = await findDrift(fleet, credentials);
      const findings = found.findings.filter(
        ({ kind, subject }) => !ignore.includes(`${kind}/${subject}`),
      );
      const report = { ...found, findings };
      await context.print(report, () => driftText(report, context.width()));
      if (findings.length > 0) process.exitCode = exitCodes.findings;
    });
}

function driftText(report: DriftReport, width: number): string {
  const { cutover, generation, target, settled, findings } = report;
  const state = `${cutover}: generation ${generation}, target ${target}, ${settled ? "settled" : "not settled yet"}.`;
  if (findings.length === 0) return `${state} No drift.`;
  const rows = findings.map(({ kind, subject, detail }) => [kind, subject, detail]);
  return [state, table(["what", "which", { title: "detail", folds: true }], rows, width)].join(
    "\n",
  );
}
