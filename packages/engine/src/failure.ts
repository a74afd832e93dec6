import { isUserError, UserError } from "@mcp-fleet/errors";

import type { PreviewJson } from "./preview";

/** What is right whenever an update ended early. */
export const mend = "Correct the cause and run it again: what was done is kept in the state.";

/** What a command of the CLI failed with, in two sentences. */
export function failure(args: readonly string[], output: string): UserError {
  const locked = lockedStack(output);
  if (locked !== undefined) return locked;
  // Warnings, such as that of a newer version, come before it.
  const said = output.slice(Math.max(0, output.search(/^.*?error: /m)));
  const lines = said
    .replace(/^.*?error: /gm, "")
    .trim()
    .split("\n");
  // The program's own refusals are two sentences, a line each.
  const [problem = "", fix] = lines.filter((line) => line.trim() !== "");
  return new UserError(
    `\`pulumi ${args.slice(0, 2).join(" ")}\` failed: ${problem}`,
    fix ?? "Run it by hand in the project's directory to see more.",
  );
}

/** What an update failed with: its first error. The program and its provider say two sentences, a line each. */
export function runFailure(message: string): UserError {
  const locked = lockedStack(message);
  if (locked !== undefined) return locked;
  const lines = message.split("\n");
  const [problem = "", fix = ""] = lines;
  return lines.length === 2 ? new UserError(problem, fix) : new UserError(message, mend);
}

/** A backend in files says this with each lock's path; Pulumi Cloud with the other update's number. */
function lockedStack(output: string): UserError | undefined {
  if (!/stack is currently locked by|Another update is currently in progress/.test(output)) {
    return undefined;
  }
  return new UserError(
    "Another run holds the stack, so nothing was done.",
    "Wait until it ends. Where its process is gone for good, let go of the stack: pulumi cancel --yes",
  );
}

/** `preview --json` puts its errors among the diagnostics. */
export function reasonIn(text: string): string {
  try {
    const { diagnostics = [] } = JSON.parse(text) as PreviewJson;
    return diagnostics.find(({ severity }) => severity === "error")?.message ?? "";
  } catch {
    return "";
  }
}

/** What the Automation API throws holds the whole command and both of its streams. */
export async function told<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isUserError(error)) throw error;
    throw failure(what.split(" "), error instanceof Error ? error.message : String(error));
  }
}
