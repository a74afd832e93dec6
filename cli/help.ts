import { Command } from "commander";

/** The groups of `mcp-fleet --help`, in its order. */
const groups = ["Servers", "Rows", "Stack", "Checks", "This command line"] as const;

/** A command's place in the help. */
interface HelpPlace {
  /** None for a subcommand, and for a command that only scripts call. */
  readonly group?: (typeof groups)[number];
  /** Command lines that work when they are pasted, one a line. */
  readonly example: string;
}

const examples = new WeakMap<Command, string>();

/** A command that shows an example below its options. */
export function newCommand(name: string, { group, example }: HelpPlace): Command {
  const command = new Command(name);
  examples.set(command, example);
  if (group !== undefined) command.helpGroup(heading(group));
  return command.addHelpText("after", `\nExample:\n  ${example.replaceAll("\n", "\n  ")}`);
}

/** The example of a command that {@link newCommand} made. */
export const exampleOf = (command: Command): string => examples.get(command) ?? "";

/** Whether `mcp-fleet --help` shows it. */
export const isListed = (command: Command): boolean => place(command) < groups.length;

/** Sorts commands by group; those without a group come last. */
export const byGroup = (a: Command, b: Command): number => place(a) - place(b);

function place(command: Command): number {
  const index = groups.findIndex((group) => heading(group) === command.helpGroup());
  return index < 0 ? groups.length : index;
}

const heading = (group: string): string => `${group}:`;

/** The last line of `mcp-fleet --help`. */
export const moreHelp =
  "\nOptions and an example of a command: mcp-fleet <command> --help. Exit codes: docs/cli.md.";
