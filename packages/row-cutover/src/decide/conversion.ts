import { UserError } from "@mcp-fleet/errors";

import { deepestDocument, isDeeper, longestDocument, readText, toJson } from "./document";
import { keyName, type KeyValues } from "./keys";

const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * Why the application cannot convert a text document to `jsonb`, although it is JSON or TOML. The application reads
 * JSON and TOML 1.0.
 * @returns undefined when it can
 */
export function conversionProblem(text: string): string | undefined {
  if (text.startsWith("\ufeff")) return "begins with a byte order mark";
  if (text.trim() === "") return "is empty";
  const read = readText(text);
  if (read === undefined || isDeeper(read.value)) return undefined;
  return valueProblem(read.value) ?? (read.format === "toml" ? newerToml(text) : undefined);
}

/** Why a document is not read at all. @returns undefined when it is read */
export function boundProblem(text: string): string | undefined {
  if (text.length > longestDocument) return `is longer than ${longestDocument} characters`;
  const read = readText(text);
  return read !== undefined && isDeeper(read.value)
    ? `is nested deeper than ${deepestDocument} levels`
    : undefined;
}

/** Why `jsonb` cannot hold a value. @returns undefined when it can */
function valueProblem(value: unknown): string | undefined {
  if (typeof value === "string") {
    if (value.includes("\0")) return "holds \\u0000, which jsonb cannot";
    return loneSurrogate.test(value) ? "holds half of a surrogate pair" : undefined;
  }
  if (typeof value === "number" && !Number.isFinite(value))
    return "holds a number that jsonb cannot hold: nan, inf, or beyond 1e308";
  if (typeof value !== "object" || value === null || value instanceof Date) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const problem = valueProblem(key) ?? valueProblem(inner);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The kept keys of a TOML document as JSON. @throws UserError for a value that JSON cannot express */
export function keptJson(
  key: KeyValues,
  content: Readonly<Record<string, unknown>>,
  kept: readonly string[],
): string {
  const values = Object.fromEntries(
    Object.entries(content).filter(([name]) => kept.includes(name)),
  );
  const problem = valueProblem(values);
  if (problem === undefined) return toJson(values);
  throw new UserError(
    `The document of ${keyName(key)}, of which something is to be kept, ${problem}.`,
    "Repair the document, leave out [row.keep] of its server, or list the key in [cutover.skip].",
  );
}

/** What a TOML document uses that only TOML 1.1 has. The document was parsed before, so it is well formed. */
function newerToml(text: string): string | undefined {
  let bare = "";
  // The last character that is not a space. Looking back for it each time would be quadratic.
  let last = "";
  const open: string[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const here = text[at] ?? "";
    if (here === "#") {
      const end = text.indexOf("\n", at);
      at = (end === -1 ? text.length : end) - 1;
      continue;
    }
    if (here === '"' || here === "'") {
      const string = stringAt(text, at, here);
      if (here === '"' && /\\[ex]/.test(string.replaceAll("\\\\", "")))
        return "has an escape of TOML 1.1 (\\e or \\x)";
      at += string.length - 1;
      bare += '"';
      last = '"';
      continue;
    }
    if (here === "{" || here === "[") open.push(here);
    const inline = open.at(-1) === "{";
    if (inline && here === "\n") return "has an inline table over several lines (TOML 1.1)";
    if (inline && here === "}" && last === ",")
      return "has a comma at the end of an inline table (TOML 1.1)";
    if (here === "}" || here === "]") open.pop();
    bare += here;
    if (here.trim() !== "") last = here;
  }
  return /(?<![+\-:\d])\d\d:\d\d(?![:\d])/.test(bare)
    ? "has a time without seconds (TOML 1.1)"
    : undefined;
}

/** The string that begins at `at`, with its quotes. */
function stringAt(text: string, at: number, quote: string): string {
  const long = quote.repeat(3);
  const close = text.startsWith(long, at) ? long : quote;
  for (let end = at + close.length; end < text.length; end += 1) {
    if (quote === '"' && text[end] === "\\") end += 1;
    else if (text.startsWith(close, end)) {
      let last = end + close.length;
      // A multi-line string may end with quotes that belong to it.
      while (close === long && text[last] === quote) last += 1;
      return text.slice(at, last);
    }
  }
  return text.slice(at);
}
