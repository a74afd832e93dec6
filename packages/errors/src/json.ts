/** Limits of a JSON text. A text above any of them is refused before it is parsed. */
export interface JsonBounds {
  /** Length of the text, in characters. */
  readonly characters: number;
  /** How deep objects and arrays may be nested. */
  readonly depth: number;
  /** How many values there may be: entries of objects and of arrays. */
  readonly values: number;
}

/** Invalid JSON, or JSON above a limit. The message never quotes the text. */
export class JsonRefused extends Error {
  constructor(what: string) {
    super(what);
    this.name = "JsonRefused";
  }
}

/**
 * Parses JSON from outside. The limits are checked first, on the characters alone, because parsing small values
 * takes a hundred times the text's size in memory.
 *
 * @throws JsonRefused for a text above a limit, and for invalid JSON
 */
export function parseBoundedJson(text: string, bounds: JsonBounds): unknown {
  check(text, bounds);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new JsonRefused("is no JSON");
  }
}

/**
 * A body from outside as UTF-8 text.
 *
 * @param characters the limit; reading stops above it
 * @throws JsonRefused for a longer one
 */
export async function textWithin(
  body: AsyncIterable<Uint8Array> | null,
  characters: number,
): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    const part = decoder.decode(chunk, { stream: true });
    parts.push(part);
    length += part.length;
    if (length > characters) throw new JsonRefused(`is longer than ${characters} characters`);
  }
  return parts.join("") + decoder.decode();
}

/**
 * A body from outside as bytes.
 *
 * @param most the limit in bytes; reading stops above it
 * @throws JsonRefused for a longer one
 */
export async function bytesWithin(
  body: AsyncIterable<Uint8Array> | null,
  most: number,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    parts.push(chunk);
    length += chunk.length;
    if (length > most) throw new JsonRefused(`is longer than ${most} bytes`);
  }
  return Buffer.concat(parts);
}

/** JSON with sorted keys, for hashes and comparisons. Lists keep their order. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}

/** The same for people: a line for each value. */
export const sortedJson = (value: unknown): string =>
  JSON.stringify(JSON.parse(canonicalJson(value)), undefined, 2);

function check(text: string, { characters, depth, values }: JsonBounds): void {
  if (text.length > characters) throw new JsonRefused(`is longer than ${characters} characters`);
  let deep = 0;
  let seen = 1;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at);
        break;
      case openBracket:
      case openBrace:
        deep += 1;
        seen += 1;
        if (deep > depth) throw new JsonRefused(`is nested deeper than ${depth} levels`);
        break;
      case closeBracket:
      case closeBrace:
        deep -= 1;
        break;
      case comma:
        seen += 1;
        break;
      default:
    }
    if (seen > values) throw new JsonRefused(`holds more than ${values} values`);
  }
}

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];

/** The index of the quote that ends the string, or the end of the text. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== quote)
    at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at;
}
