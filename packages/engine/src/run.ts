import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { timeLimit, UserError } from "@mcp-fleet/errors";
import type { EngineEvent, OutputMap, Stack } from "@pulumi/pulumi/automation";

import { automationApi } from "./automation";
import { EventReader } from "./events";
import { lockedStack, retryAdvice, runFailure, stderrOf, textOf } from "./failure";
import { call } from "./process";
import type { Done, RunOptions, StackPlace } from "./types";

/** What a run needs of its stack. */
interface RunnableStack {
  readonly place: StackPlace;
  readonly directory: string;
  name(): Promise<string>;
  automation(): Promise<Stack>;
  outputs(): Promise<Done["outputs"]>;
}

type Operation = "up" | "destroy" | "refresh";
type Options = RunOptions & { readonly timeoutSeconds: number };

/**
 * Runs an operation of the engine to its end.
 * @throws UserError with the first error of program or provider
 */
export async function run(
  stack: RunnableStack,
  operation: Operation,
  options: Options,
): Promise<Done> {
  const reader = new EventReader(options.show === "nothing" ? undefined : options.onLine);
  const runner = options.show === "display" ? onTerminal : inBackground;
  const { failed, stderr, outOfTime, outputs } = await runner(stack, operation, options, reader);
  if (failed === undefined) return { changes: reader.changes, outputs: outputs ?? {} };
  if (outOfTime === true) {
    throw new UserError(
      `\`pulumi ${operation}\` did not end within ${options.timeoutSeconds} seconds, and was canceled.`,
      retryAdvice,
    );
  }
  const [first] = reader.errors;
  // A run that reported an error of its own had the stack.
  if (first !== undefined) throw runFailure(first);
  throw lockedStack(stderr ?? "") ?? runFailure(failed);
}

/** Result of an operation: the error when it failed, else the stack's outputs. */
interface Ending {
  readonly failed?: string;
  /** All of standard error, when it failed. */
  readonly stderr?: string;
  /** Whether it failed because its time was over. */
  readonly outOfTime?: boolean;
  readonly outputs?: Done["outputs"];
}

export function plainOutputs(outputs: OutputMap): Done["outputs"] {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { value }]) => [name, value as unknown]),
  );
}

async function inBackground(
  stack: RunnableStack,
  operation: Operation,
  { message, signal, timeoutSeconds }: Options,
  reader: EventReader,
): Promise<Ending> {
  const automation = await stack.automation();
  const { CommandError } = automationApi(stack.directory);
  const timeout = timeLimit(timeoutSeconds);
  try {
    const done = await automation[operation]({
      onEvent: reader.read,
      color: "never",
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      ...(message === undefined ? {} : { message }),
    });
    return "outputs" in done ? { outputs: plainOutputs(done.outputs as OutputMap) } : {};
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return {
      failed: `\`pulumi ${operation}\` failed: ${textOf(error.message)}`,
      stderr: stderrOf(error),
      outOfTime: timeout.aborted,
    };
  }
}

/** Lets the engine draw on the terminal. Its events are read afterwards. */
async function onTerminal(
  stack: RunnableStack,
  operation: Operation,
  { message, timeoutSeconds, signal }: Options,
  reader: EventReader,
): Promise<Ending> {
  const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-events-"));
  const log = join(directory, "events");
  const { command = "pulumi", env = {} } = stack.place;
  const started = Date.now();
  try {
    const { code, stderr } = await call({
      command,
      args: [
        ...[operation, "--yes", "--skip-preview", "--stack", await stack.name()],
        ...["--event-log", log],
        ...(message === undefined ? [] : ["--message", message]),
      ],
      cwd: stack.directory,
      // Without it the CLI does not know `--event-log`.
      env: { ...env, PULUMI_DEBUG_COMMANDS: "true" },
      show: "terminal",
      timeoutSeconds,
      ...(signal === undefined ? {} : { signal }),
    });
    for (const event of eventsIn(log)) reader.read(event);
    if (code !== 0) {
      return {
        failed: `\`pulumi ${operation}\` failed; its output is above.`,
        stderr,
        outOfTime: Date.now() - started >= timeoutSeconds * 1000,
      };
    }
    return { outputs: await stack.outputs() };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The events of a log; none where the engine made no log, since it did not get the stack. */
function eventsIn(file: string): EngineEvent[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return line.trim() === "" ? [] : [JSON.parse(line) as EngineEvent];
      } catch {
        // The last line of a killed run may be incomplete.
        return [];
      }
    });
}
