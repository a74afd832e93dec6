import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import type { Argument, Command, Option } from "commander";

import { exampleOf, isListed } from "../../cli/help";
import { createProgram, type MakeCommand } from "../../cli/program";

/** Every file of `cli/commands` is a command of its name. */
function commandNames(projectDir: string): string[] {
  return readdirSync(join(projectDir, "cli", "commands"))
    .filter((file) => file.endsWith(".ts") && file !== "index.ts")
    .map((file) => file.slice(0, -".ts".length))
    .sort();
}

/** The function that a command's file exports. */
function functionOf(name: string): string {
  return `${name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Command`;
}

/** `cli/commands/index.ts`. */
export function commandIndex(projectDir: string): string {
  const names = commandNames(projectDir);
  return `// Generated from the files of this folder: npm run docs
import type { Command } from "commander";

import type { CliContext } from "../context";
${names.map((name) => `import { ${functionOf(name)} } from "./${name}";`).join("\n")}

/** All commands of \`mcp-fleet\`, by name. */
export const commands: readonly ((context: CliContext) => Command)[] = [
${names.map((name) => `  ${functionOf(name)},`).join("\n")}
];
`;
}

/** `docs/reference/commands.md`: arguments, options and an example of every command. */
export function commandReference(projectDir: string): string {
  // Not by the index: that of this build does not have a new command yet.
  const load = createRequire(__filename);
  const commands = commandNames(projectDir).map((name) => {
    const file = load(join("..", "..", "cli", "commands", name)) as Record<string, MakeCommand>;
    const make = file[functionOf(name)];
    if (make === undefined) throw new Error(`cli/commands/${name}.ts has no ${functionOf(name)}`);
    return make;
  });
  const program = createProgram(process, new AbortController().signal, commands);
  const listed = program.commands.filter(isListed);
  return `# Commands

Generated from the command line's own help: \`npm run docs\`. [The command line](../cli.md) explains what they do.

Every command takes these:

${optionTable(program)}
${listed.map((command) => section(command, "##")).join("\n")}`;
}

function section(command: Command, level: string): string {
  const inner = command.commands.map((one) => section(one, `${level}#`));
  const rows = [...command.registeredArguments.map(argumentRow), ...optionRows(command)];
  return `${level} ${pathOf(command)}

${sentence(command.description())}

\`\`\`sh
${exampleOf(command)}
\`\`\`
${rows.length === 0 ? "" : `\n${table(rows)}\n`}${inner.map((one) => `\n${one}`).join("")}`;
}

/** Its name with that of the command it belongs to. */
function pathOf(command: Command): string {
  const { parent } = command;
  const isTop = parent === null || parent.parent === null;
  return isTop ? command.name() : `${pathOf(parent)} ${command.name()}`;
}

const optionTable = (command: Command): string => `${table(optionRows(command))}\n`;

function optionRows(command: Command): [string, string][] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== "--help")
    .map((option) => [option.flags, explained(option)]);
}

const argumentRow = (argument: Argument): [string, string] => {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return [argument.required ? `<${name}>` : `[${name}]`, explained(argument)];
};

function explained({ description, argChoices = [], defaultValue }: Argument | Option): string {
  const all: readonly unknown[] = [defaultValue];
  const [known] = all.filter((value) => typeof value === "string" || typeof value === "number");
  return [
    description,
    ...(argChoices.length === 0 ? [] : [`one of ${argChoices.join(", ")}`]),
    ...(known === undefined ? [] : [`default: ${String(known)}`]),
  ]
    .filter((part) => part !== "")
    .join("; ");
}

/** As prettier writes it. */
function table(rows: readonly (readonly [string, string])[]): string {
  const cells = [
    ["Argument or option", "Meaning"],
    ...rows.map(([flags, meaning]) => [`\`${flags}\``, plain(meaning)]),
  ];
  const widths = [0, 1].map((at) => Math.max(...cells.map((row) => (row[at] ?? "").length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = cells;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

const sentence = (text: string): string =>
  plain(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`);

/** Text in which Markdown sees neither a cell's border nor a tag of HTML. */
const plain = (text: string): string => text.replace(/[|<]/g, "\\$&");
