import { cleanJson, cleanText } from "@mcp-fleet/errors";

/** The forms of a command's result: a table for people, the others for programs. */
export const outputFormats = ["table", "json", "yaml"] as const;

export type OutputFormat = (typeof outputFormats)[number];

/**
 * A command's result as text, with a line break at its end, and without anything that a terminal would obey: much of it
 * was written by servers, in rows and in annotations.
 *
 * @param data what `json` and `yaml` show; a field that is undefined is left out
 * @param people the same for people; called for `table` only
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

/** The colours of a command's own, told from those that somebody else's text may hold. */
export interface Colours {
  /** Text in a style, as `util.styleText` gives it, so that {@link show} knows it again; as wide as it was. */
  mark(styled: string): string;
  /** Cleaned text in which our own colours, and no others, are what a terminal knows. */
  show(cleaned: string): string;
}

/** @param secret a number that nobody else knows: a colour with it is ours */
export function coloursOf(secret: number): Colours {
  // Cleaning puts a space in the escape's place.
  const ours = new RegExp(` \\[${secret};(\\d+)m`, "g");
  return {
    mark: (styled) => styled.replaceAll("\u001b[", `\u001b[${secret};`),
    show: (cleaned) => cleaned.replace(ours, "\u001b[$1m"),
  };
}
