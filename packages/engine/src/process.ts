import { spawn } from "node:child_process";

import { JsonRefused, messageOf, parseBoundedJson, UserError } from "@mcp-fleet/errors";

/** How long a program may take to end after it was interrupted, in seconds. */
const graceSeconds = 30;

/** Limit of each output stream, in characters. A state of 50,000 resources needs a fifth of it. */
const printLimit = 256 * 1024 * 1024;

/** One call of another program. */
export interface Call {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, so that no list of processes shows it. */
  readonly input?: string;
  readonly timeoutSeconds: number;
  /** "terminal" lets it draw on standard error: then its standard error alone is kept. @default "nothing" */
  readonly show?: "terminal" | "nothing";
  /** Interrupts it, as Ctrl-C does. */
  readonly signal?: AbortSignal;
}

/** Result of a call. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @throws UserError when the program cannot be started or does not end in time */
export function call({
  command,
  args,
  cwd,
  env,
  input,
  timeoutSeconds,
  show,
  signal: interrupted,
}: Call): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: show === "terminal" ? ["inherit", 2, "pipe"] : "pipe",
    });
    const interrupt = (): void => void child.kill("SIGINT");
    if (interrupted?.aborted === true) interrupt();
    interrupted?.addEventListener("abort", interrupt, { once: true });
    // Timers of our own: those of `spawn` go on where the program could not be started, and keep this process alive.
    const timers = [
      setTimeout(interrupt, timeoutSeconds * 1000),
      // A program that ignores the interrupt is killed.
      setTimeout(() => child.kill("SIGKILL"), (timeoutSeconds + graceSeconds) * 1000),
    ];
    const ended = (): void => {
      timers.forEach(clearTimeout);
      interrupted?.removeEventListener("abort", interrupt);
    };
    child.once("close", ended).once("error", ended);
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.setEncoding("utf8").on("data", (text: string) => {
        output[stream] += text;
        if (output[stream].length > printLimit) child.kill("SIGKILL");
      });
    }
    if (show === "terminal") child.stderr?.pipe(process.stderr, { end: false });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input ?? "");
    child.on("error", (error) => reject(cannotStart(command, messageOf(error))));
    child.on("close", (code, signal) => {
      if (signal === null) return resolve({ code: code ?? 0, ...output });
      if (Math.max(output.stdout.length, output.stderr.length) > printLimit) {
        return reject(
          new UserError(
            `\`${command} ${args[0] ?? ""}\` printed more than ${printLimit / 1024 / 1024} MiB, and was ended.`,
            "Run it by hand to see what it prints.",
          ),
        );
      }
      reject(
        new UserError(
          `\`${command} ${args[0] ?? ""}\` was ended by ${signal} after at most ${timeoutSeconds} seconds.`,
          "Run it by hand to see what it waits for.",
        ),
      );
    });
  });
}

/** @param why what the system says */
export function cannotStart(command: string, why: string): UserError {
  return new UserError(
    `${command} cannot be started: ${why}.`,
    command === "pulumi"
      ? "Install the Pulumi CLI, or name the lab with --lab. A command that has --fleet takes a file that describes the cutover instead."
      : "Install it, or correct PATH.",
  );
}

/**
 * The JSON that a program printed.
 * @throws UserError when it is none, without quoting it: it may hold secrets
 */
export function jsonOf<T>(command: string, text: string): T {
  try {
    return parseBoundedJson(text, { characters: printLimit, depth: 200, values: 20_000_000 }) as T;
  } catch (error) {
    if (!(error instanceof JsonRefused)) throw error;
    throw new UserError(
      `What \`${command}\` printed ${error.message}.`,
      "Run it by hand to see what it prints; a wrapper around it may add lines of its own.",
    );
  }
}
