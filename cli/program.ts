import { Command, Option } from "commander";

import { commands } from "./commands";
import { type CliContext, createContext, type GlobalOptions, type Streams } from "./context";
import { byGroup, isListed, moreHelp } from "./help";
import { outputFormats } from "./output";
import { version } from "./package.json";

/** Makes one command; what its file loads is light, and the rest only in its action. */
export type MakeCommand = (context: CliContext) => Command;

/** The whole command line. Throws commander's errors and UserErrors; ends no process. */
export function createProgram(
  streams: Streams,
  signal: AbortSignal,
  all: readonly MakeCommand[] = commands,
): Command {
  const program = new Command("mcp-fleet")
    .description("MCP servers on Kubernetes, and the cutover of the application that uses them")
    .addOption(
      new Option("-o, --output <format>", "form of the result")
        .choices(outputFormats)
        .default("table"),
    )
    .version(version)
    .option("--kubeconfig <file>", "kubeconfig file (default: KUBECONFIG, ~/.kube/config, the pod)")
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("-n, --namespace <name>", "namespace of the servers (default: the context's)")
    .option("--wide", "tables as wide as what is in them (default: as wide as the terminal)")
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
    })
    .exitOverride();
  const context = createContext(streams, signal, () => program.opts<GlobalOptions>());
  const made = all.map((command) => inheriting(program, command(context)));
  for (const command of made.sort(byGroup)) {
    program.addCommand(command, { hidden: !isListed(command) });
  }
  return program.addHelpText("after", moreHelp);
}

/** A command, and its own commands, with what the program has set: an error ends no process, and has the code for usage. */
function inheriting(parent: Command, command: Command): Command {
  command.copyInheritedSettings(parent);
  for (const own of command.commands) inheriting(command, own);
  return command;
}
