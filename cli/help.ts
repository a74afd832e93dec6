import { Command } from "commander";

/** The groups of `mcp-fleet --help`, in its order. */
const groups = ["Servers", "Rows", "Stack", "Checks", "This command line"] as const;

/** A command's place in the help. */
interface HelpPlace {
  /** None for a command of a command, and for one that people do not call. */
  readonly group?: (typeof groups)[number];
  /** One call of it, as it is pasted. */
  readonly example: string;
}

const examples = new WeakMap<Command, string>();

/** A command that shows an example below its options. */
export function newCommand(name: string, { group, example }: HelpPlace): Command {
  const command = new Command(name);
  examples.set(command, example);
  if (group !== undefined) command.helpGroup(heading(group));
  return command.addHelpText("after", `\nExample:\n  ${example}`);
}

/** The example of a command that {@link newCommand} made. */
export const exampleOf = (command: Command): string => examples.get(command) ?? "";

/** Whether `mcp-fleet --help` shows it. */
export const isListed = (command: Command): boolean => place(command) < groups.length;

/** The order of `mcp-fleet --help`: that of the groups, and what is in none at the end. */
export const byGroup = (a: Command, b: Command): number => place(a) - place(b);

function place(command: Command): number {
  const index = groups.findIndex((group) => heading(group) === command.helpGroup());
  return index < 0 ? groups.length : index;
}

const heading = (group: string): string => `${group}:`;

/** What stands below the groups: the way to the rest. */
export const moreHelp =
  "\nOptions and an example of a command: mcp-fleet <command> --help. Exit codes: docs/cli.md.";
