import { cleanText, isUserError, messageOf } from "@mcp-fleet/errors";
import { CommanderError } from "commander";

import { exitCodeOf, exitCodes } from "./exit-codes";
import { createProgram } from "./program";

/** Runs one command line. Prints errors as two sentences, without a stack trace. @returns the exit code */
async function main(): Promise<number> {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => interrupted.abort());
  // A reader such as `head` may close the pipe early.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitCodes.ok);
  });
  try {
    await createProgram(process, interrupted.signal).parseAsync();
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (interrupted.signal.aborted) return exitCodes.interrupted;
    if (isUserError(error)) {
      process.stderr.write(cleanText(`${error.problem}\n${error.fix}\n`));
      return exitCodeOf(error);
    }
    const shown =
      process.env.MCP_FLEET_DEBUG === undefined
        ? messageOf(error)
        : cleanText(String((error as Error).stack));
    process.stderr.write(
      `Unexpected: ${shown}\nPlease report this; MCP_FLEET_DEBUG=1 shows where it happened.\n`,
    );
    return exitCodes.bug;
  }
}

void main().then((code) => {
  process.exitCode = code;
});
