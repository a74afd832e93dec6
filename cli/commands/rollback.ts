import { createInterface } from "node:readline/promises";

import type { PulumiStack } from "@mcp-fleet/engine";
import { quoted, UserError } from "@mcp-fleet/errors";
import type { Program, RollbackPlan } from "@mcp-fleet/operations";
import { type Command, Option } from "commander";

import type { CliContext } from "../context";
import {
  opened,
  openStack,
  planned,
  runUpdate,
  type StackOptions,
  withStack,
} from "../day-two/stack";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";
import { changeText } from "./history";
import { countsText, planText, rowPlan } from "./plan";

interface RollbackOptions extends StackOptions {
  readonly to?: number;
  readonly yes?: true;
  readonly keepProgram?: true;
  readonly withSecrets?: true;
  readonly onConflict?: string;
  readonly message?: string;
  readonly target?: string[];
  readonly continueOnError?: true;
}

export function rollbackCommand(context: CliContext): Command {
  return withStack(
    newCommand("rollback", {
      group: "Stack",
      example: "mcp-fleet rollback --stack prod --to 12",
    }),
    { file: false },
  )
    .description(
      "return to the configuration of an earlier update: rows first, then the application",
    )
    .option(
      "--to <update>",
      "number of the update (default: the last one that was otherwise)",
      wholeNumber,
    )
    .option("--yes", "do not ask")
    .option("--keep-program", "run the program that is checked out here, whichever ran then")
    .option("--with-secrets", "return secret values too; else those of now stay")
    .addOption(
      new Option(
        "--on-conflict <policy>",
        "what happens to rows that were changed since (default: as that update had it)",
      ).choices(["fail", "keep", "force"]),
    )
    .option("--message <text>", "why, kept in the stack's history")
    .addOption(new Option("--target <urn...>").hideHelp())
    .addOption(new Option("--continue-on-error").hideHelp())
    .action(async (options: RollbackOptions) => {
      refuseShortcuts(options);
      const stack = await openStack(context, options);
      const { planRollback } = await import("@mcp-fleet/operations");
      const [updates, config, program] = [
        await stack.history(),
        await stack.config(),
        await stack.program(),
      ];
      const plan = planRollback({
        updates,
        config,
        program,
        ...(options.to === undefined ? {} : { to: options.to }),
        ...(options.withSecrets === undefined ? {} : { withSecrets: true }),
        ...(options.onConflict === undefined ? {} : { onConflict: options.onConflict }),
      });
      context.note(planLines(plan).join("\n"));
      if (plan.otherProgram !== undefined && options.keepProgram !== true) {
        throw otherProgram(plan, program, await commandsTo(stack, options, plan));
      }
      const { resources, counts } = await planned(stack, plan.config);
      const rows = await rowPlan(await opened(context, stack, resources));
      context.note(`${planText(rows, context.width())}\nResources: ${countsText(counts)}.`);
      refuseConflicts(rows.changes, resources.cutover);
      if (options.yes !== true) await confirm(context, plan.to.version);
      await stack.configure(plan.config);
      await runUpdate(context, stack, options.message);
      const now = await opened(context, stack, await stack.cutover());
      const result = {
        update: plan.to.version,
        target: now.fleet.target,
        generation: now.fleet.generation,
      };
      await context.print(
        result,
        () =>
          `Returned to update ${result.update}: target ${result.target}, generation ${result.generation}.`,
      );
      for (const line of keptPolicy(plan)) context.note(line);
    });
}

/** Refuses options that skip resources or checkpoints: they must not be used in a run that moves rows. */
function refuseShortcuts(options: RollbackOptions): void {
  const given = [
    ...(options.target === undefined ? [] : ["--target"]),
    ...(options.continueOnError === undefined ? [] : ["--continue-on-error"]),
    ...["PULUMI_SKIP_CHECKPOINTS", "PULUMI_CONTINUE_ON_ERROR"].filter(
      (name) => !["", "0", "false", undefined].includes(process.env[name]),
    ),
  ];
  if (given.length === 0) return;
  throw new UserError(
    `A run that moves rows is refused with ${given.join(" and ")}: rows and application could end in different states.`,
    `Leave ${given.length === 1 ? "it" : "them"} out.`,
    { exitCode: exitCodes.usage },
  );
}

function planLines({ to, configChanges, keptSecrets }: RollbackPlan): string[] {
  const commit = to.commit === undefined ? "unknown" : to.commit.slice(0, 10);
  return [
    `Back to update ${to.version} of ${to.startedAt}, commit ${commit}:`,
    ...(to.dirty === true
      ? [
          "  its work tree had changes that are in no commit, stack files among what counts: what is in the commit runs",
        ]
      : []),
    ...(configChanges.length === 0
      ? ["  configuration as now"]
      : configChanges.map((change) => `  ${changeText(change)}`)),
    ...keptSecrets.map(
      (path) => `  ${path.replace(/^mcp-fleet:/, "")}: (secret) stays as it is now`,
    ),
  ];
}

/** Warns that a policy given for one rollback stays in the stack's configuration. */
function keptPolicy({ to, configChanges }: RollbackPlan): string[] {
  const policy = configChanges.find(({ path }) => path === "mcp-fleet:cutover.onConflict")?.to;
  const then = (to.config["mcp-fleet:cutover"]?.value as { onConflict?: string } | undefined)
    ?.onConflict;
  if (policy === undefined || policy === (then ?? "fail")) return [];
  return [
    `The stack's cutover.onConflict is ${policy} from now on, for every later run too. Take that back once it is not meant:`,
    `  pulumi config set --path cutover.onConflict ${then ?? "fail"}`,
  ];
}

/** Another shell does not know the lab's stack yet. */
async function commandsTo(
  stack: PulumiStack,
  { lab }: RollbackOptions,
  { to }: RollbackPlan,
): Promise<string[]> {
  const commands = await stack.commandsTo(to);
  return lab === true
    ? [`eval "$(make -C ${quoted(stack.directory)} -s env)"`, ...commands]
    : commands;
}

function otherProgram(
  { to, otherProgram: why }: RollbackPlan,
  { commit, changed }: Program,
  commands: readonly string[],
): UserError {
  const keep = "--keep-program to run the program of here with that configuration";
  const then = `The program of update ${to.version}`;
  if (why === "unrecorded") {
    return new UserError(
      `${then} is in no commit that the stack's history has; nothing was changed.`,
      `Check out what ran then, and add ${keep}.`,
    );
  }
  const was = to.commit?.slice(0, 10) ?? "";
  const here =
    why === "changed-here"
      ? `here ${changed.slice(0, 3).join(", ")}${changed.length > 3 ? ` and ${changed.length - 3} more` : ""} was changed since`
      : `here is ${commit?.slice(0, 10) ?? "no commit"}`;
  return new UserError(
    `${then} was ${was}, and ${here}; nothing was changed.`,
    `Run these, or add ${keep}:\n${commands.map((line) => `  ${line}`).join("\n")}`,
  );
}

function refuseConflicts(
  changes: readonly { readonly key: string; readonly action: string }[],
  cutover: Readonly<Record<string, unknown>>,
): void {
  const keys = changes.filter(({ action }) => action === "conflict").map(({ key }) => key);
  const { onConflict } = cutover.spec as { onConflict: string };
  if (keys.length === 0 || onConflict !== "fail") return;
  throw new UserError(
    `Rows were changed since the cutover, so nothing was taken back: ${keys.join(", ")}.`,
    "Look at them, then add --on-conflict keep (leave those rows as they are) or --on-conflict force (restore them all the same).",
  );
}

async function confirm(context: CliContext, version: number): Promise<void> {
  const { stdin, stderr } = context.streams;
  if (!("isTTY" in stdin) || stdin.isTTY !== true) {
    throw new UserError(
      "A rollback asks before it runs, and nobody can answer here.",
      "Add --yes once the plan above is what you want.",
      { exitCode: exitCodes.usage },
    );
  }
  const prompt = createInterface({ input: stdin, output: stderr });
  const answer = await prompt.question(`Return to update ${version}? Type yes: `);
  prompt.close();
  if (answer.trim() === "yes") return;
  throw new UserError("Nothing was changed.", "Answer yes to run it.");
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new UserError(
    `--to is "${text}".`,
    "Give the number of an update out of mcp-fleet history.",
    {
      exitCode: exitCodes.usage,
    },
  );
}
