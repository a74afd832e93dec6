import type { Command } from "commander";

import { wholeNumber } from "../arguments";
import type { CliContext } from "../context";
import { newCommand } from "../help";
import { serverArgument } from "../servers";

interface LogsOptions {
  readonly follow?: true;
  readonly previous?: true;
  readonly tail?: number;
  readonly container?: string;
}

export function logsCommand(context: CliContext): Command {
  return newCommand("logs", {
    group: "Servers",
    example: "mcp-fleet logs github -n llmctl --tail 50 --follow",
  })
    .description("print what a server's pods print; always text, whatever --output says")
    .addArgument(serverArgument())
    .option("-f, --follow", "go on until the pods end or Ctrl-C")
    .option("-p, --previous", "of the run before the last restart")
    .option("--tail <lines>", "only so many lines from the end of each pod's log", wholeNumber)
    .option(
      "-c, --container <name>",
      "a container of the pod (default: its first, or the init container that it waits for)",
    )
    .action(async (name: string, { follow, previous, tail, container }: LogsOptions) => {
      const { readLogs } = await import("@mcp-fleet/lifecycle");
      const write = (pod: string, line: string): void =>
        context.line(`${context.styled("dim", pod)} ${line}`);
      const notes = {
        onSilent: (pod: string, why: string): void => context.note(`no log: pod ${pod} ${why}`),
        onInit: (pod: string, why: string): void =>
          context.note(`an init container's log: pod ${pod} ${why}`),
      };
      const options = {
        signal: context.signal,
        ...(follow === undefined ? {} : { follow }),
        ...(previous === undefined ? {} : { previous }),
        ...(tail === undefined ? {} : { tail }),
        ...(container === undefined ? {} : { container }),
      };
      await readLogs(await context.cluster(), name, write, options, notes);
    });
}
