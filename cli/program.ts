import { Command, Option } from "commander";

import { completeCommand } from "./commands/complete";
import { completionCommand } from "./commands/completion";
import { configCommand } from "./commands/config";
import { imageCommand } from "./commands/image";
import { listCommand } from "./commands/list";
import { logsCommand } from "./commands/logs";
import { mcpJsonCommand } from "./commands/mcp-json";
import { restartCommand } from "./commands/restart";
import { scaleCommand } from "./commands/scale";
import { serveCommand } from "./commands/serve";
import { startCommand } from "./commands/start";
import { statusCommand } from "./commands/status";
import { stopCommand } from "./commands/stop";
import { strayCommand } from "./commands/stray";
import { type CliContext, createContext, type GlobalOptions, type Streams } from "./context";
import { dayTwoCommands } from "./day-two/commands";
import { byGroup, moreHelp, withHelp } from "./help";
import { outputFormats } from "./output";
import { version } from "./package.json";

/** `mcp-fleet --help` shows them in groups: see help.ts. A command's file imports what is heavy only in its action. */
const commands: readonly ((context: CliContext) => Command)[] = [
  listCommand,
  statusCommand,
  startCommand,
  stopCommand,
  scaleCommand,
  restartCommand,
  logsCommand,
  ...dayTwoCommands,
  serveCommand,
  completeCommand,
  completionCommand,
  configCommand,
  mcpJsonCommand,
  strayCommand,
  imageCommand,
];

/** The whole command line. Throws commander's errors and UserErrors; ends no process. */
export function createProgram(streams: Streams, signal: AbortSignal): Command {
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
  const made = commands.map((command) => withHelp(command(context).copyInheritedSettings(program)));
  for (const command of made.sort(byGroup)) program.addCommand(command);
  return program.addHelpText("after", moreHelp);
}
