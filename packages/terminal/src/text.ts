import { stripVTControlCharacters } from "node:util";

/** How many columns text takes on a terminal; colours take none. */
export function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

/**
 * Text in lines of at most `width` columns, broken between words. A longer word (an address, say) stays whole, so that it
 * can be copied.
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

/** Narrower than this no text is set, whatever the terminal says. */
const leastWidth = 20;

/** `lead` and then the text, whose further lines begin below its first. */
export function hanging(lead: string, text: string, width: number): string[] {
  const indent = widthOf(lead);
  return wrapped(text, Math.max(leastWidth, width - indent)).map(
    (line, index) => (index === 0 ? lead : " ".repeat(indent)) + line,
  );
}

/**
 * A list, a line that begins with a hyphen for each text; a long text goes on below itself.
 * @param width how many columns the terminal has. @default no end to them
 */
export function bullets(texts: readonly string[], width: number = Infinity): string {
  return texts.flatMap((text) => hanging("- ", text, width)).join("\n");
}

/** Paragraphs no wider than the terminal. @param width @default no end to it */
export function paragraphs(texts: readonly string[], width: number = Infinity): string {
  return texts.flatMap((text) => wrapped(text, width)).join("\n");
}
