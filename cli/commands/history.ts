import type { PulumiStack } from "@mcp-fleet/engine";
import type { ConfigChange, ListedUpdate } from "@mcp-fleet/operations";
import type { LedgerState } from "@mcp-fleet/row-cutover";
import type { Command } from "commander";

import { positiveNumber } from "../arguments";
import type { CliContext } from "../context";
import { opened, openStack, type StackOptions, withStack } from "../day-two/stack";
import { newCommand } from "../help";
import { type Column, table } from "../terminal";
import { countsText } from "./plan";

export function historyCommand(context: CliContext): Command {
  return withStack(
    newCommand("history", {
      group: "Stack",
      example: "mcp-fleet history --stack prod --limit 5",
    }),
    { file: false },
  )
    .description(
      "list the stack's updates: when, how, from which commit, what changed, which generation",
    )
    .option("--limit <number>", "how many of the newest", positiveNumber, 20)
    .action(async ({ limit, ...options }: StackOptions & { limit: number }) => {
      const stack = await openStack(context, options);
      const [updates, runs] = [await stack.history(), await ledgerRuns(context, stack)];
      const { listUpdates } = await import("@mcp-fleet/operations");
      const listed = listUpdates(updates, runs).slice(0, limit);
      await context.print(listed, () => historyText(listed, context.width()));
    });
}

/** The ledger's runs; none without a database, and then the history has no generations. */
export async function ledgerRuns(
  context: CliContext,
  stack: PulumiStack,
): Promise<LedgerState[] | undefined> {
  const { withDatabase } = await import("@mcp-fleet/cutover-runner");
  const { readRuns } = await import("@mcp-fleet/row-cutover");
  try {
    const { fleet, credentials } = await opened(context, stack, await stack.cutover());
    return await withDatabase(fleet, credentials, (db) => readRuns(db, fleet.spec));
  } catch (error) {
    context.note(`Generations are not shown: ${(error as Error).message.split("\n")[0]}`);
    return undefined;
  }
}

/** One row for each update. @param width see {@link CliContext.width} */
export function historyText(updates: readonly ListedUpdate[], width: number): string {
  if (updates.length === 0) return "The stack has no update yet.";
  const rows = updates.map((update) => [
    String(update.version),
    update.startedAt.slice(0, 19).replace("T", " "),
    update.succeeded ? update.kind : `${update.kind} FAILED`,
    `${update.commit?.slice(0, 10) ?? ""}${update.dirty === true ? "*" : ""}`,
    update.generation === undefined ? "?" : `${update.generation}${update.moved ? " (moved)" : ""}`,
    countsText(update.changes),
    changesText(update.configChanges),
  ]);
  const columns: Column[] = [
    ...["update", "started (UTC)", "what", "commit", "generation"],
    { title: "resources", folds: true },
    { title: "configuration", folds: true },
  ];
  return table(columns, rows, width);
}

function changesText(changes: readonly ConfigChange[]): string {
  const shown = changes.slice(0, 3).map(changeText);
  const more = changes.length > shown.length ? [`and ${changes.length - shown.length} more`] : [];
  return [...shown, ...more].join("; ");
}

/** `namespace:` is left out for the program's own keys; long values are cut. */
export function changeText({ path, from, to }: ConfigChange): string {
  const name = path.replace(/^mcp-fleet:/, "");
  const cut = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
  if (from === undefined) return `+ ${name}: ${cut(to ?? "")}`;
  if (to === undefined) return `- ${name}`;
  return `${name}: ${cut(from)} -> ${cut(to)}`;
}
