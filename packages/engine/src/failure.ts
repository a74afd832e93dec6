import { stripVTControlCharacters } from "node:util";

import { cleanLine, cleanText, isUserError, UserError } from "@mcp-fleet/errors";

import type { PreviewJson } from "./preview";

/** What a command of the CLI printed. */
interface CliOutput {
  readonly stdout?: string;
  readonly stderr: string;
}

/** The advice for an update that ended early. */
export const retryAdvice =
  "Correct the cause and run it again: what was done is kept in the state.";

/** The engine's summary of a failed run, which names no cause. */
const summary = /^(preview|update) failed$|^resource monitor shut down/;

/**
 * The UserError for a failed command of the CLI: all its errors, without the warnings before them. The program writes a
 * refusal as two lines, so the last line of a single error is the fix.
 *
 * @param args of the command, as far as a message names it
 */
export function failure(args: readonly string[], { stdout = "", stderr }: CliOutput): UserError {
  const locked = lockedStack(stderr);
  if (locked !== undefined) return locked;
  const named = args.filter((arg) => !arg.startsWith("-")).slice(0, 2);
  const found = errorsIn(stdout);
  const errors = found.length > 0 ? found : [textOf(stderr)];
  const lines = errors.length === 1 ? (errors[0] ?? "").split("\n") : [];
  const fix = lines.length > 1 ? lines.at(-1) : undefined;
  const problem =
    fix === undefined
      ? errors.length === 1
        ? (errors[0] ?? "")
        : errors.map((error) => `\n- ${error.replaceAll("\n", "\n  ")}`).join("")
      : lines.slice(0, -1).join("\n");
  return new UserError(
    `\`pulumi ${named.join(" ")}\` failed: ${problem}`,
    fix ?? "Run it by hand in the project's directory to see more.",
  );
}

/** The errors among the diagnostics of `preview --json`, each once. */
function errorsIn(text: string): string[] {
  let diagnostics: PreviewJson["diagnostics"];
  try {
    ({ diagnostics } = JSON.parse(text) as PreviewJson);
  } catch {
    return [];
  }
  const errors = (diagnostics ?? []).flatMap(({ severity, message }) => {
    const error = cleanText(message.replace(/<\{%[^%]*%\}>/g, ""))
      .replace(/^\s*error: /, "")
      .trim();
    return severity === "error" && error !== "" ? [error] : [];
  });
  const causes = errors.filter((error) => !summary.test(error));
  return [...new Set(causes.length > 0 ? causes : errors)];
}

/**
 * The first error of an output, two lines at most. Warnings come before it, such as that of a newer version; the
 * Automation API appends the command.
 */
export function textOf(output: string): string {
  const errors = output.slice(Math.max(0, output.search(/^.*?error: /m)));
  const lines = errors
    .replace(/^ *err\?: [^]*$/m, "")
    .replace(/^.*?error: /gm, "")
    .split("\n");
  // The first two lines are the program's two sentences; what follows is the engine's.
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(0, 2)
    .join("\n");
}

/** The UserError for the first error of a failed update. Program and provider write problem and fix, a line each. */
export function runFailure(message: string): UserError {
  const lines = message.split("\n");
  const [problem = "", fix = ""] = lines;
  return lines.length === 2 ? new UserError(problem, fix) : new UserError(message, retryAdvice);
}

/** Another run holds the stack, as far as its backend knows. */
export class LockedStackError extends UserError {
  constructor(
    /** Where those runs were started, by host name; none where the backend does not say. */
    readonly hosts: readonly string[],
  ) {
    const where = hosts.length === 0 ? "" : ` It was started on ${hosts.join(" and ")}.`;
    super(
      `Another run holds the stack, so nothing was done.${where}`,
      "Wait until it ends. Where its process is gone for good, let go of the stack: pulumi cancel --yes",
    );
  }
}

/** The first line by which a backend in files or PostgreSQL refuses; then comes a line for each lock. */
const lockHeader = /^(?:error: )?the stack is currently locked by (\d+) lock/m;
/** `<url>: created by <user>@<host> (pid <n>) at <time>`, as `pkg/backend/diy/lock.go` prints it. */
const lockLine = /^[ \t]*\S+: created by .*@(\S{1,253}) \(pid \d+\) at \S+$/gm;

/**
 * Why the CLI did not get the stack; undefined where it did. The hosts are given only where every lock was understood: a
 * caller cancels locks of hosts that are gone, and that cancels all others too.
 *
 * @param stderr all that the CLI wrote on standard error: what program or provider say goes elsewhere
 */
export function lockedStack(stderr: string): LockedStackError | undefined {
  const text = stripVTControlCharacters(stderr).replaceAll("\r\n", "\n");
  const header = lockHeader.exec(text);
  // Pulumi Cloud names no host.
  if (header === null) {
    return /^.*Another update is currently in progress/m.test(text)
      ? new LockedStackError([])
      : undefined;
  }
  const hosts = [...text.matchAll(lockLine)].map(([, host = ""]) => cleanLine(host));
  const named = text.split(": created by ").length - 1;
  const count = Number(header[1]);
  const understood = hosts.length === count && named === count;
  return new LockedStackError(understood ? [...new Set(hosts)] : []);
}

/** Standard error of a command of the Automation API, which keeps it in a field that its types hide. */
export function stderrOf(error: Error): string {
  const { commandResult } = error as { commandResult?: { readonly stderr?: unknown } };
  return typeof commandResult?.stderr === "string" ? commandResult.stderr : "";
}

/** Runs a call of the Automation API, whose errors hold the whole command and both of its streams. */
export async function withShortErrors<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isUserError(error)) throw error;
    const locked = error instanceof Error ? lockedStack(stderrOf(error)) : undefined;
    if (locked !== undefined) throw locked;
    throw failure(what.split(" "), {
      stderr: error instanceof Error ? error.message : String(error),
    });
  }
}
