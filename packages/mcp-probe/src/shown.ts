import { cleanLine } from "@mcp-fleet/errors";

/** A URL that may be printed: no user name, no password, no query string, no fragment. */
export function shownUrl(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.origin}${parsed.pathname}`;
  } catch {
    return "(not a URL)";
  }
}

/**
 * Makes a cleaner for text that a server sent: one line, at most `limit` characters, and without the
 * values of the headers we sent, which a server may echo.
 */
export function cleaner(
  headers: Readonly<Record<string, string>>,
): (text: string, limit?: number) => string {
  const mask = masking(headers);
  return (text, limit = 160) =>
    cleanLine(cleanLine(mask(text)).replace(/ {2,}/g, " ").trim(), limit);
}

/**
 * Text without the values of the headers we sent, nor what `Basic` ones are made of: a server may put them wherever it
 * may write something, into the name of a tool too.
 * @param shortest values with fewer characters may be words of any text. @default 4
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

/** What stands between spaces, and of `token="abc"` what is behind the name. */
function wordsOf(header: string): string[] {
  const words = header.split(/\s+/);
  const named = words.flatMap((word) => /^[\w-]+=["']?(.*?)["',;]*$/.exec(word)?.[1] ?? []);
  return [...words, ...named];
}

/** Login and password of `Basic <base64>`, together and each. */
function basicParts(header: string): string[] {
  const [, encoded] = /^basic\s+(\S+)$/i.exec(header) ?? [];
  if (encoded === undefined) return [];
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  return [decoded, decoded.slice(decoded.indexOf(":") + 1)];
}
