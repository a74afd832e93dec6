/**
 * What a terminal, a log viewer or an editor obeys instead of showing: C0 and C1 controls, delete, the marks that turn
 * the direction of writing, the line and paragraph separators, and a byte order mark. One range of each at a time.
 */
const obeyed =
  "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff";
const inText = new RegExp(`[${obeyed}]+`, "g");
const inLine = new RegExp(`[${obeyed}\\t\\n]+`, "g");
const inJson = new RegExp(`[${obeyed}]`, "g");
const halfPair = /\p{Surrogate}/gu;

/**
 * Text from outside as it may be shown: what a terminal would obey becomes a space. Line breaks and tabs stay. A server,
 * a row, an annotation or the API may have sent the text.
 */
export function cleanText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(inText, " ").replace(halfPair, "\ufffd");
}

/**
 * The same on one line: line breaks and tabs become a space too.
 *
 * @param limit how many characters are kept; a mark stands for the rest. @default all
 */
export function cleanLine(text: string, limit = Infinity): string {
  const line = text.replace(inLine, " ");
  return (line.length > limit ? `${line.slice(0, limit)}…` : line).replace(halfPair, "\ufffd");
}

/** JSON text whose strings hold the same characters, written as `\uXXXX`: what reads it gets what was there. */
export function cleanJson(json: string): string {
  const escaped = (character: string): string =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return json.replace(inJson, escaped).replace(halfPair, "\ufffd");
}

/** Whether `text` holds nothing that {@link cleanText} would change. */
export function isClean(text: string): boolean {
  return text.search(inJson) < 0 && text.search(halfPair) < 0;
}
