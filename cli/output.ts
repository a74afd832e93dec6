import { cleanJson, cleanText } from "@mcp-fleet/errors";

/** The forms of a command's result: a table for people, the others for programs. */
export const outputFormats = ["table", "json", "yaml"] as const;

export type OutputFormat = (typeof outputFormats)[number];

/**
 * A command's result as text, with a line break at its end. Control characters are removed: much of the text comes from
 * servers, rows and annotations.
 *
 * @param data what `json` and `yaml` show; a field that is undefined is left out
 * @param people gives the text for people; called for `table` only
 */
export async function rendered(
  format: OutputFormat,
  data: unknown,
  people: () => string,
): Promise<string> {
  switch (format) {
    case "json":
      return cleanJson(`${JSON.stringify(data, undefined, 2)}\n`);
    case "yaml": {
      const { stringify } = await import("yaml");
      const cleaned = (_key: string, value: unknown): unknown =>
        typeof value === "string" ? cleanText(value) : value;
      const plain: unknown = JSON.parse(JSON.stringify(data), cleaned);
      return cleanText(stringify(plain, { lineWidth: 0 }));
    }
    case "table": {
      const text = cleanText(people());
      return text === "" ? "" : `${text}\n`;
    }
  }
}

/** Keeps the command's own colours apart from escape sequences in foreign text. */
export interface Colours {
  /** Marks text that `util.styleText` styled, so that {@link show} recognizes it. Its width stays. */
  mark(styled: string): string;
  /** Turns the marks in cleaned text back into colours. */
  show(cleaned: string): string;
}

/** @param secret a random number that marks our own colours */
export function coloursOf(secret: number): Colours {
  // Cleaning puts a space in the escape's place.
  const ours = new RegExp(` \\[${secret};(\\d+)m`, "g");
  return {
    mark: (styled) => styled.replaceAll("\u001b[", `\u001b[${secret};`),
    show: (cleaned) => cleaned.replace(ours, "\u001b[$1m"),
  };
}
