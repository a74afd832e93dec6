import { UserError } from "@mcp-fleet/errors";
import { execa } from "execa";

export interface RunOptions {
  /** After this many seconds the command and its children are ended. Default 120. */
  readonly timeoutSeconds?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Runs a command to its end and returns what it printed on standard output.
 *
 * @throws UserError with the command's name and the last lines it printed, when it fails or runs out of time.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const timeoutSeconds = options.timeoutSeconds ?? 120;
  const result = await execa(command, args, {
    reject: false,
    timeout: timeoutSeconds * 1000,
    killSignal: "SIGKILL",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: { ...options.env } }),
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  if (!result.failed) return result.stdout;
  if (result.timedOut) {
    throw new UserError(
      `\`${command} ${args[0] ?? ""}\` did not end within ${timeoutSeconds} seconds.`,
      `Run it by hand to see where it stops: ${command} ${args.join(" ")}`,
    );
  }
  const tail = `${result.stderr}\n${result.stdout}`.trim().split("\n").slice(-12).join("\n");
  throw new UserError(
    `\`${command} ${args[0] ?? ""}\` failed${result.exitCode === undefined ? "" : ` with exit code ${result.exitCode}`}: ${tail || (result.originalMessage ?? "it could not be started")}`,
    `Run it by hand to see more: ${command} ${args.join(" ")}`,
  );
}

/** Whether a command of this name is on PATH. */
export async function onPath(command: string): Promise<boolean> {
  const found = await execa("sh", ["-c", 'command -v "$1"', "sh", command], { reject: false });
  return found.exitCode === 0;
}
