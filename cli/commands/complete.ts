import { parseArgs } from "node:util";

import type { RootCommand } from "@bomb.sh/tab";
import type { Command } from "commander";

import type { CliContext } from "../context";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";
import { serverArgumentName } from "../servers";

/** How long a cluster may take to say which servers it has: somebody waits for the Tab key. */
const patienceMs = 2000;

/** What completion scripts ask: the words that may follow, in the protocol of `@bomb.sh/tab`. */
export function completeCommand(context: CliContext): Command {
  return newCommand("complete", { example: "mcp-fleet complete -- stop wea" })
    .description("print what may follow on a command line, for the scripts of completion")
    .argument("[words...]", "the words after mcp-fleet; the last one is completed")
    .action(async (typed: string[], _options: object, command: Command) => {
      const words = separated(typed);
      const program = command.parent ?? command;
      const tab = await described(program);
      const servers = [...tab.commands].flatMap(([name, { arguments: all }]) =>
        words.includes(name) ? (all.get(serverArgumentName) ?? []) : [],
      );
      if (servers.length > 0 && !(words.at(-1) ?? "").startsWith("-")) {
        const names = await serverNames(context, program, words);
        for (const server of servers) {
          server.handler = (complete) => names.forEach((name) => complete(name, ""));
        }
      }
      tab.parse(words);
      // A request that is still under way would keep the shell waiting.
      process.exit(exitCodes.ok);
    });
}

/** The library does not know `--name=value` before the last word. */
function separated(words: readonly string[]): string[] {
  const option = /^(--[^=]+)=(.*)$/s;
  return words.flatMap((word, index) =>
    index < words.length - 1 ? (option.exec(word)?.slice(1) ?? [word]) : [word],
  );
}

/** The library adds its own two commands to what it describes, so it gets a copy without ours. */
async function described(program: Command): Promise<RootCommand> {
  const { default: describe } = await import("@bomb.sh/tab/commander");
  const copy = program.createCommand(program.name());
  for (const option of program.options) copy.addOption(option);
  for (const command of program.commands) {
    if (!["complete", "completion"].includes(command.name())) copy.addCommand(command);
  }
  const tab = describe(copy, { completionCommandName: "completion" });
  // The library's words for the command that prints the script.
  const own = program.commands.find((command) => command.name() === "completion");
  const its = tab.commands.get("completion");
  if (own !== undefined && its !== undefined) its.description = own.description();
  // Options of the program may stand behind each command.
  for (const { options } of tab.commands.values()) {
    for (const [name, option] of tab.options) {
      if (!options.has(name) && name !== "version") options.set(name, option);
    }
  }
  return tab;
}

/** The servers of the cluster and namespace that the words name; none where it does not answer in time. */
async function serverNames(
  context: CliContext,
  program: Command,
  words: readonly string[],
): Promise<string[]> {
  const { values } = parseArgs({
    args: [...words],
    strict: false,
    options: {
      namespace: { type: "string", short: "n" },
      context: { type: "string" },
      kubeconfig: { type: "string" },
    },
  });
  for (const name of ["namespace", "context", "kubeconfig"]) {
    if (typeof values[name] === "string") program.setOptionValue(name, values[name]);
  }
  try {
    const { readServers } = await import("@mcp-fleet/kube");
    const kube = await context.cluster();
    // The time begins with the question: what is loaded before it takes longer on a busy machine.
    const late = new Promise<undefined>((resolve) => {
      setTimeout(resolve, patienceMs, undefined).unref();
    });
    const seen = await Promise.race([readServers(kube, kube.namespace), late]);
    return (seen?.servers ?? []).map(({ name }) => name);
  } catch {
    return [];
  }
}
