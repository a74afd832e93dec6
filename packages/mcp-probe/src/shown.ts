import { cleanLine } from "@mcp-fleet/errors";

/** A URL that is safe to print: no user name, no password, no query string, no fragment. */
export function shownUrl(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.origin}${parsed.pathname}`;
  } catch {
    return "(not a URL)";
  }
}

/**
 * Creates a cleaner for text from a server: one line, at most `limit` characters, without the values of the
 * headers we sent, which a server may echo.
 */
export function cleaner(
  headers: Readonly<Record<string, string>>,
): (text: string, limit?: number) => string {
  const mask = masking(headers);
  return (text, limit = 160) =>
    cleanLine(cleanLine(mask(text)).replace(/ {2,}/g, " ").trim(), limit);
}

/**
 * Removes the values of the headers we sent, and the parts of `Basic` ones: a server may put them into any text,
 * also the name of a tool.
 * @param shortest shorter values are kept, because they may be words of any text. @default 4
 */
export function masking(
  headers: Readonly<Record<string, string>>,
  shortest = 4,
): (text: string) => string {
  const secrets = Object.values(headers)
    .flatMap((value) => [value, ...wordsOf(value), ...basicParts(value)])
    .filter((value) => value.length >= shortest && !/^(bearer|basic|token)$/i.test(value))
    .sort((a, b) => b.length - a.length);
  return (text) => secrets.reduce((masked, secret) => masked.split(secret).join("***"), text);
}

/** The words between spaces; of `token="abc"` the part after the name. */
function wordsOf(header: string): string[] {
  const words = header.split(/\s+/);
  const named = words.flatMap((word) => /^[\w-]+=["']?(.*?)["',;]*$/.exec(word)?.[1] ?? []);
  return [...words, ...named];
}

/** Login and password of `Basic <base64>`, together and separately. */
function basicParts(header: string): string[] {
  const [, encoded] = /^basic\s+(\S+)$/i.exec(header) ?? [];
  if (encoded === undefined) return [];
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  return [decoded, decoded.slice(decoded.indexOf(":") + 1)];
}
