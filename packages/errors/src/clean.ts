/**
 * Characters that a terminal, a log viewer or an editor interprets instead of showing: C0 and C1 controls,
 * delete, bidirectional marks, line and paragraph separators, and the byte order mark. One range for each.
 */
const obeyed =
  "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff";
const inText = new RegExp(`[${obeyed}]+`, "g");
const inLine = new RegExp(`[${obeyed}\\t\\n]+`, "g");
const inJson = new RegExp(`[${obeyed}]`, "g");
const halfPair = /\p{Surrogate}/gu;

/**
 * Text from outside in a form that is safe to show: control characters become spaces. Line breaks and tabs stay.
 * A server, a row, an annotation or the API may have sent the text.
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

/** JSON text with the same strings, in which these characters are written as `\uXXXX`. */
export function cleanJson(json: string): string {
  return json.replace(inJson, unicodeEscape).replace(halfPair, "\ufffd");
}

/** Every UTF-16 unit of `text` as `\uXXXX`. */
export function unicodeEscape(text: string): string {
  return Array.from(
    { length: text.length },
    (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`,
  ).join("");
}

/** Whether {@link cleanText} would leave `text` unchanged. */
export function isClean(text: string): boolean {
  return text.search(inJson) < 0 && text.search(halfPair) < 0;
}
