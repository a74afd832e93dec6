import { cleanLine, cleanText } from "./clean";

export { cleanJson, cleanLine, cleanText, isClean, unicodeEscape } from "./clean";
export { jsonForEnv } from "./json-env";
export { nearest } from "./nearest";
export { largestFile, readTextFile, readTextFileIfThere } from "./read-file";
export { timeLimit } from "./time-limit";
export {
  bytesWithin,
  canonicalJson,
  type JsonBounds,
  JsonRefused,
  parseBoundedJson,
  sortedJson,
  textWithin,
} from "./json";

/**
 * An error that its reader can cause and correct. It is shown as two sentences and never with a stack trace.
 * Neither sentence may contain a secret, a DSN or the content of a row. What they quote from outside is cleaned
 * here.
 */
export class UserError extends Error {
  /** Exit code of a command line that ends with this error. Default 1. */
  readonly exitCode: number;
  /** Pulumi prints an error with this mark without its stack, wherever in the program it was thrown. */
  readonly __pulumiRunError = true;

  /** What is wrong, in one sentence that names the config key or the resource. */
  readonly problem: string;
  /** What to do about it, in one sentence. */
  readonly fix: string;

  constructor(problem: string, fix: string, options: { cause?: unknown; exitCode?: number } = {}) {
    const [what, mend] = [cleanText(problem), cleanText(fix)];
    super(`${what}\n${mend}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.problem = what;
    this.fix = mend;
    this.name = "UserError";
    this.exitCode = options.exitCode ?? 1;
  }
}

/** Whether `error` is a {@link UserError}, across copies of this package and of serialised provider code. */
export function isUserError(error: unknown): error is UserError {
  return error instanceof Error && error.name === "UserError" && "problem" in error;
}

/** The first line of any thrown value, cleaned, for a message that must not carry a stack trace. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return cleanLine(text.split("\n", 1)[0] ?? "");
}

/** A word quoted for a POSIX shell: for commands that people paste. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
