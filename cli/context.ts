import { randomInt } from "node:crypto";
import { styleText } from "node:util";

import { cleanLine, cleanText } from "@mcp-fleet/errors";
import type { Kube } from "@mcp-fleet/kube";

import { exitCodes } from "./exit-codes";
import { coloursOf, type OutputFormat, rendered } from "./output";

/** Options of every command. */
export interface GlobalOptions {
  readonly output: OutputFormat;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly wide?: true;
}

/** Where a command reads and writes: the process's own streams, or a test's. */
export interface Streams {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** Colours as `util.styleText` names them. */
type Style = Parameters<typeof styleText>[0];

/** What a command needs beside its own arguments. */
export interface CliContext {
  readonly streams: Streams;
  /** Aborted by Ctrl-C. Everything that waits has to respect it. */
  readonly signal: AbortSignal;
  /** The global options, given before or after the command's name. Known once a command's action runs. */
  globals(): GlobalOptions;
  /** Writes the command's result to standard output, in the form of `--output`. */
  print(data: unknown, people: () => string): Promise<void>;
  /** Writes a line of text to standard output, whatever `--output` says, such as a line of a log. */
  line(text: string): void;
  /** Writes a line for people to standard error: progress, advice, never a result. */
  note(line: string): void;
  /** Sets the exit code for findings when there are any. Call it after the result is printed. */
  findings(any: boolean): void;
  /** Coloured when standard output is a terminal, and NO_COLOR does not forbid it. */
  styled(style: Style, text: string): string;
  /** Width of tables in columns: the terminal's, or COLUMNS; unlimited with `--wide`, and in a file or pipe. */
  width(): number;
  /**
   * The cluster of `--kubeconfig` and `--context`, else of KUBECONFIG, else of ~/.kube/config, else the one this
   * process runs in. `namespace` is that of `--namespace`, else the context's.
   * @throws {UserError} when there is no readable kubeconfig or no such context
   */
  cluster(): Promise<Kube>;
}

/** @param globals called when a command needs the global options */
export function createContext(
  streams: Streams,
  signal: AbortSignal,
  globals: () => GlobalOptions,
): CliContext {
  const colours = coloursOf(randomInt(2 ** 47));
  return {
    streams,
    signal,
    globals,
    async print(data, people) {
      streams.stdout.write(colours.show(await rendered(globals().output, data, people)));
    },
    line(text) {
      streams.stdout.write(`${colours.show(cleanLine(text))}\n`);
    },
    note(line) {
      streams.stderr.write(`${cleanText(line)}\n`);
    },
    findings(any) {
      if (any) process.exitCode = exitCodes.findings;
    },
    styled: (style, text) =>
      colours.mark(styleText(style, cleanLine(text), { stream: streams.stdout })),
    width() {
      if (globals().wide === true) return Infinity;
      const { columns } = streams.stdout as Partial<NodeJS.WriteStream>;
      return (
        columns ??
        (/^[1-9]\d{0,4}$/.test(process.env.COLUMNS ?? "") ? Number(process.env.COLUMNS) : Infinity)
      );
    },
    async cluster() {
      const { kubeconfig, context, namespace } = globals();
      const { connectKube } = await import("@mcp-fleet/kube");
      const kube = await connectKube(context === undefined ? {} : { context }, {
        ...(kubeconfig === undefined ? {} : { kubeconfig }),
        names: {
          kubeconfig: "--kubeconfig",
          context: "--context",
          rights: "docs/cli.md lists what each command needs",
        },
      });
      return namespace === undefined ? kube : { ...kube, namespace };
    },
  };
}
