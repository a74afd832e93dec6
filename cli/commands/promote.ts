import { UserError } from "@mcp-fleet/errors";
import type { ConfigChange, Promotion } from "@mcp-fleet/operations";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { opened, openFleet, openStack, planned } from "../day-two/stack";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";
import { table } from "../terminal";
import { changeText } from "./history";
import { countsText, planText, rowPlan } from "./plan";

interface PromoteOptions {
  readonly from: string;
  readonly to: string;
  readonly cwd?: string;
}

export function promoteCommand(context: CliContext): Command {
  return newCommand("promote", {
    group: "Stack",
    example: "mcp-fleet promote --from dev --to prod",
  })
    .description(
      "show what another stack would get from one that is proved: images, settings, rows; changes nothing",
    )
    .requiredOption("--from <stack>", "the stack that has shown that it works")
    .requiredOption("--to <stack>", "the stack that is to have its images")
    .option("-C, --cwd <directory>", "a directory of the Pulumi project (default: this one)")
    .action(async ({ from, to, ...rest }: PromoteOptions) => {
      if (from === to) {
        throw new UserError("--from and --to are the same stack.", "Name two.", {
          exitCode: exitCodes.usage,
        });
      }
      const operations = await import("@mcp-fleet/operations");
      const proved = await openFleet(context, { ...rest, stack: from });
      context.note(`Asking the servers of ${from} ...`);
      const drift = await operations.findDrift(proved.fleet, proved.credentials);
      const verified = await operations.verify(proved.fleet, proved.credentials, (line) =>
        context.note(`waiting: ${line}`),
      );
      operations.refuseUnproved(from, drift, verified);

      const source = await openStack(context, { ...rest, stack: from });
      const stack = await openStack(context, { ...rest, stack: to });
      const plan = operations.planPromotion(await source.config(), await stack.config());
      context.note(promotionText(plan, from, to, context.width()));
      context.note(`Previewing ${to} ...`);
      const { resources, counts } = await planned(stack, plan.config);
      const rows = await rowPlan(await opened(context, stack, resources));
      const { images, missing } = plan;
      const commands = images.map((image) => setCommand(to, image));
      await context.print({ from, to, images, missing, rows, resources: counts, commands }, () =>
        [
          planText(rows, context.width()),
          `Resources: ${countsText(counts)}.`,
          ...(commands.length === 0 ? [] : ["Nothing was changed. These take the images over:"]),
          ...commands.map((command) => `  ${command}`),
        ].join("\n"),
      );
    });
}

function promotionText(
  { images, differences, missing }: Promotion,
  from: string,
  to: string,
  width: number,
): string {
  return [
    images.length === 0
      ? `${to} has the images of ${from} already.`
      : table(
          ["image of", { title: "now", folds: true }, { title: `from ${from}`, folds: true }],
          images.map((one) => [one.path.replace(/^mcp-fleet:/, ""), one.from ?? "", one.to ?? ""]),
          width,
        ),
    ...missing.map((key) => `- the server ${key} is in ${from} only; it is not made in ${to}.`),
    ...(differences.length === 0
      ? []
      : [
          `What else ${from} and ${to} have differently, and keep:`,
          ...differences.map((one) => `  ${changeText(one)}`),
        ]),
  ].join("\n");
}

function setCommand(stack: string, { path, to = "" }: ConfigChange): string {
  return `pulumi config set --stack ${stack} --path '${path}' '${to}'`;
}
