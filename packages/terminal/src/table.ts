import { stripVTControlCharacters } from "node:util";

/**
 * A plain text table: columns as wide as their widest cell, two spaces between. Cells may hold colours.
 * @param headers the columns' titles
 * @param rows cells in the order of `headers`
 */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...rows.map((row) => width(row[column] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => pad(cell, widths[column] ?? 0)).join("  ")}`.trimEnd();
  return [line(headers), line(widths.map((wide) => "-".repeat(wide))), ...rows.map(line)].join(
    "\n",
  );
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

function pad(cell: string, wide: number): string {
  return cell + " ".repeat(Math.max(0, wide - width(cell)));
}
