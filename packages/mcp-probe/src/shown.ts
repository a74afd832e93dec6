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
  const secrets = Object.values(headers)
    .flatMap((value) => [value, ...value.split(/\s+/)])
    .filter((value) => value.length >= 4 && !/^(bearer|basic|token)$/i.test(value))
    .sort((a, b) => b.length - a.length);
  return (text, limit = 160) => {
    let clean = text;
    for (const secret of secrets) clean = clean.split(secret).join("***");
    return cleanLine(cleanLine(clean).replace(/ {2,}/g, " ").trim(), limit);
  };
}
