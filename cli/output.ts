/** The forms of a command's result: a table for people, the others for programs. */
export const outputFormats = ["table", "json", "yaml"] as const;

export type OutputFormat = (typeof outputFormats)[number];

/**
 * A command's result as text, with a line break at its end.
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
      return `${JSON.stringify(data, undefined, 2)}\n`;
    case "yaml": {
      const { stringify } = await import("yaml");
      return stringify(JSON.parse(JSON.stringify(data)) as unknown, { lineWidth: 0 });
    }
    case "table": {
      const text = people();
      return text === "" ? "" : `${text}\n`;
    }
  }
}
