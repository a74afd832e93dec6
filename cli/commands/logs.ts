import { Command } from "commander";

import { wholeNumber } from "../arguments";
import type { CliContext } from "../context";

interface LogsOptions {
  readonly follow?: true;
  readonly previous?: true;
  readonly tail?: number;
  readonly container?: string;
}

export function logsCommand(context: CliContext): Command {
  return new Command("logs")
    .description("what a server's pods print; always text, whatever --output says")
    .argument("<name>", "the server's Deployment")
    .option("-f, --follow", "go on until the pods end or Ctrl-C")
    .option("-p, --previous", "of the run before the last restart")
    .option("--tail <lines>", "only so many lines from the end of each pod's log", wholeNumber)
    .option("-c, --container <name>", "a container of the pod (default: its first)")
    .action(async (name: string, { follow, previous, tail, container }: LogsOptions) => {
      const { readLogs } = await import("@mcp-fleet/lifecycle");
      const write = (pod: string, line: string): void =>
        context.line(`${context.styled("dim", pod)} ${line}`);
      await readLogs(await context.cluster(), name, write, {
        signal: context.signal,
        ...(follow === undefined ? {} : { follow }),
        ...(previous === undefined ? {} : { previous }),
        ...(tail === undefined ? {} : { tail }),
        ...(container === undefined ? {} : { container }),
      });
    });
}
