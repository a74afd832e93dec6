import { writeFileSync } from "node:fs";

import { cleanText, messageOf, UserError } from "@mcp-fleet/errors";
import type { ListedUpdate } from "@mcp-fleet/operations";
import type { Command } from "commander";

import { positiveNumber } from "../arguments";
import type { CliContext } from "../context";
import { openFleet, openStack, type StackOptions, withStack } from "../day-two/stack";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";
import { paragraphs, table } from "../terminal";
import { ledgerRuns } from "./history";

interface ReportOptions extends StackOptions {
  readonly generation?: number;
  readonly file: string;
}

export function reportCommand(context: CliContext): Command {
  return withStack(
    newCommand("report", {
      group: "Rows",
      example: "mcp-fleet report --stack prod --file cutover.html",
    }),
  )
    .description(
      "write one HTML page about a cutover: times, rows before and after, tools, who and which commit",
    )
    .option("--generation <number>", "which (default: the newest)", positiveNumber)
    .option("--file <path>", "where it is written", "cutover-report.html")
    .action(async ({ generation, file, ...options }: ReportOptions) => {
      const { fleet, credentials } = await openFleet(context, options);
      const { cutoverReport, imagesIn, reportHtml, verdictOf } =
        await import("@mcp-fleet/operations");
      const updates = options.fleet === undefined ? await listed(context, options) : [];
      const report = await cutoverReport(fleet, credentials, updates, generation);
      try {
        writeFileSync(file, cleanText(reportHtml(report)));
      } catch (error) {
        throw new UserError(
          `The report cannot be written to ${file}: ${messageOf(error)}.`,
          "Name another place with --file.",
          { exitCode: exitCodes.usage },
        );
      }
      const verdict = verdictOf(report);
      await context.print({ ...report, verdict }, () => {
        const images = imagesIn(report.run);
        const columns = [
          "server",
          "container",
          { title: "image that it ran", folds: true as const },
        ];
        const said = paragraphs(
          [verdict.text, `Generation ${report.run.generation} is described in ${file}.`],
          context.width(),
        );
        return images.length === 0 ? said : `${said}\n\n${table(columns, images, context.width())}`;
      });
    });
}

async function listed(context: CliContext, options: StackOptions): Promise<ListedUpdate[]> {
  const stack = await openStack(context, options);
  const { listUpdates } = await import("@mcp-fleet/operations");
  return listUpdates(await stack.history(), await ledgerRuns(context, stack));
}
