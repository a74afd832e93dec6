import type { RowPlan, Target } from "@mcp-fleet/row-cutover";
import { type Command, Option } from "commander";

import type { CliContext } from "../context";
import {
  type Opened,
  opened,
  openStack,
  planned,
  type StackOptions,
  withStack,
} from "../day-two/stack";
import { newCommand } from "../help";
import { type Column, paragraphs, table } from "../terminal";

export function planCommand(context: CliContext): Command {
  return withStack(
    newCommand("plan", {
      group: "Rows",
      example: "mcp-fleet plan --stack prod",
    }),
    { file: false },
  )
    .description("show what the next update would do to each row; writes nothing")
    .addOption(
      new Option("--target <target>", "as if the stack's target were this one").choices([
        "in-cluster",
        "embedded",
      ]),
    )
    .action(async (options: StackOptions & { target?: Target }) => {
      const stack = await openStack(context, options);
      context.note(`Previewing ${await stack.name()} ...`);
      const { target } = options;
      const config =
        target === undefined
          ? undefined
          : { ...(await stack.config()), "mcp-fleet:target": { value: target, secret: false } };
      const { resources, counts } = await planned(stack, config);
      const plan = await rowPlan(await opened(context, stack, resources));
      await context.print(
        { ...plan, resources: counts },
        () => `${planText(plan, context.width())}\nResources: ${countsText(counts)}.`,
      );
    });
}

/** The plan of a cutover's rows, the same that the program's own preview shows. */
export async function rowPlan({ fleet, credentials }: Opened): Promise<RowPlan> {
  const { specFor, withDatabase } = await import("@mcp-fleet/cutover-runner");
  const { planRows } = await import("@mcp-fleet/row-cutover");
  const spec = await specFor(fleet, credentials);
  return withDatabase(fleet, credentials, (db) => planRows(db, spec, fleet.target));
}

/** The plan as text: each row's action, conflicts, and what the run costs. @param width see {@link CliContext.width} */
export function planText(plan: RowPlan, width = Infinity): string {
  const touched = plan.changes.filter(
    ({ action, also = [] }) => action !== "unchanged" || also.length > 0,
  );
  const rows = touched.map(({ key, action, from = "", to = "", drops = [], also = [] }) => [
    key,
    action,
    from,
    to,
    [...(drops.length === 0 ? [] : [`drops ${drops.join(", ")}`]), ...also].join("; "),
  ]);
  const { rows: written, lockSeconds, walBytes } = plan.size;
  const head = plan.noop
    ? `Nothing to change: the rows are at target ${plan.target}, generation ${plan.generation}.`
    : `Towards ${plan.target}, generation ${plan.generation}: ${written} rows, writers wait about ${lockSeconds.toFixed(1)} s, ${Math.ceil(walBytes / 1024)} KiB of WAL.`;
  const columns: Column[] = [
    ...["row", "action"],
    { title: "from", folds: true },
    { title: "to", folds: true },
    { title: "what else", folds: true },
  ];
  return [
    paragraphs([head], width),
    ...(rows.length === 0 ? [] : [table(columns, rows, width)]),
    paragraphs(
      plan.warnings.map((warning) => `warning: ${warning}`),
      width,
    ),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

export function countsText(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  return parts.length === 0 ? "none would change" : parts.join(", ");
}
