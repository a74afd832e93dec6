import { stripVTControlCharacters } from "node:util";

/** The display width of text; colours have none. */
export function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

/**
 * Wraps text between words at `width` columns. A longer word, such as an address, stays whole so that it can be
 * copied.
 */
function wrapped(text: string, width: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line === "") line = word;
      else if (widthOf(line) + 1 + widthOf(word) <= width) line += ` ${word}`;
      else {
        lines.push(line);
        line = word;
      }
    }
    return [...lines, line];
  });
}

/** Text is never wrapped narrower than this. */
const leastWidth = 20;

/** `lead` followed by the text, whose further lines are indented to its start. */
export function hanging(lead: string, text: string, width: number): string[] {
  const indent = widthOf(lead);
  return wrapped(text, Math.max(leastWidth, width - indent)).map(
    (line, index) => (index === 0 ? lead : " ".repeat(indent)) + line,
  );
}

/**
 * A list with a hyphen for each text; long texts are wrapped and indented.
 * @param width number of terminal columns. @default unlimited
 */
export function bullets(texts: readonly string[], width: number = Infinity): string {
  return texts.flatMap((text) => hanging("- ", text, width)).join("\n");
}

/**
 * Paragraphs wrapped to the terminal's width.
 * @param width @default unlimited
 */
export function paragraphs(texts: readonly string[], width: number = Infinity): string {
  return texts.flatMap((text) => wrapped(text, width)).join("\n");
}
