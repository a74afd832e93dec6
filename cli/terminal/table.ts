import { hanging, widthOf } from "./text";

/** A column of a table. A plain text is a column that never folds. */
export type Column =
  | string
  | {
      readonly title: string;
      /**
       * If the table is too wide, the column's cells move to lines of their own below their row; the last such
       * column first.
       */
      readonly folds: true;
    };

/** A row: its cells in column order, and notes on the lines below. */
export type Row =
  readonly string[] | { readonly cells: readonly string[]; readonly notes: readonly string[] };

/** A row is indented by two spaces; its continuation lines further. */
const indent = "  ";
const below = "      ";

/**
 * A plain text table: columns as wide as their widest cell, two spaces between. Cells may hold colours.
 * @param columns from left to right
 * @param width how many columns the terminal has. @default no end to them
 */
export function table(
  columns: readonly Column[],
  rows: readonly Row[],
  width: number = Infinity,
): string {
  const titles = columns.map((column) => (typeof column === "string" ? column : column.title));
  const plain = rows.map((row) => ("cells" in row ? row : { cells: row, notes: [] }));
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...plain.map(({ cells }) => widthOf(cells[column] ?? ""))),
  );
  const folded = foldedColumns(columns, widths, width);
  const kept = titles.map((_, column) => column).filter((column) => !folded.has(column));
  const line = (cells: readonly string[]): string =>
    indent + kept.map((column) => pad(cells[column] ?? "", widths[column] ?? 0)).join("  ");
  const lines = plain.flatMap(({ cells, notes }) => [
    line(cells),
    ...[...folded]
      .sort((a, b) => a - b)
      .flatMap((column) => {
        const cell = cells[column] ?? "";
        return cell === "" ? [] : hanging(`${below}${titles[column]}: `, cell, width);
      }),
    ...notes.flatMap((note) => hanging(below, note, width)),
  ]);
  return [line(titles), line(widths.map((wide) => "-".repeat(wide))), ...lines]
    .map((one) => one.trimEnd())
    .join("\n");
}

/** The columns that must fold so that the others fit. */
function foldedColumns(
  columns: readonly Column[],
  widths: readonly number[],
  width: number,
): ReadonlySet<number> {
  const folded = new Set<number>();
  const total = (): number =>
    widths.reduce((sum, wide, column) => (folded.has(column) ? sum : sum + wide + 2), 0);
  for (let column = columns.length - 1; column >= 0 && total() > width; column -= 1) {
    if (typeof columns[column] !== "string") folded.add(column);
  }
  return folded;
}

/**
 * Names with descriptions: names as wide as the widest, and long texts wrapped below their start.
 * @param width number of terminal columns. @default unlimited
 */
export function facts(
  pairs: readonly (readonly [name: string, text: string])[],
  width: number = Infinity,
): string {
  const wide = Math.max(0, ...pairs.map(([name]) => widthOf(name)));
  return pairs
    .flatMap(([name, text]) => hanging(`${indent}${pad(name, wide)}  `, text, width))
    .join("\n");
}

function pad(cell: string, wide: number): string {
  return cell + " ".repeat(Math.max(0, wide - widthOf(cell)));
}
