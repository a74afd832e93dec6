/** How much of a JSON text is taken in. A text above any of these is refused before anything is made of it. */
export interface JsonBounds {
  /** Length of the text, in characters. */
  readonly characters: number;
  /** How deep objects and arrays may stand in each other. */
  readonly depth: number;
  /** How many values there may be: entries of objects and of arrays. */
  readonly values: number;
}

/** A JSON text that is none, or that goes beyond a bound. Its message never quotes the text. */
export class JsonRefused extends Error {
  constructor(what: string) {
    super(what);
    this.name = "JsonRefused";
  }
}

/**
 * Parses JSON that somebody else wrote. The bounds are looked at first, over the characters alone, because the parser
 * makes a hundred times the text's size out of small values.
 *
 * @throws JsonRefused for a text beyond a bound, and for one that is no JSON
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
 * The text of a body that somebody else sends, as UTF-8.
 *
 * @param characters how many there may be; reading ends where there are more
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
 * A body that somebody else sends, as it is.
 *
 * @param most how many bytes there may be; reading ends where there are more
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

/** Where the quote is that ends the string, or the end of the text. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== quote)
    at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at;
}
