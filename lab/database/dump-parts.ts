/** A part of a plain SQL dump: statements, or the rows of a COPY block. */
export type DumpPart =
  | { readonly sql: string }
  | { readonly into: string; readonly columns: number; readonly lines: readonly string[] };

const copyFromStdin = /^COPY (\S.*) \((.*)\) FROM stdin;$/;
/** Written for psql by late minor versions of pg_dump: psql accepts no other command in between. */
const restriction = /^\\(un)?restrict [A-Za-z0-9]+$/;

/**
 * Splits a dump in the form that `pg_dump --format=plain` writes. Nothing in it is executed as a psql command:
 * everything but COPY blocks goes to the server, which knows SQL only.
 */
export function* partsOf(dump: string): Generator<DumpPart> {
  let sql: string[] = [];
  const lines = dump.split("\n");
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    const copy = copyFromStdin.exec(line);
    if (copy === null) {
      if (!restriction.test(line)) sql.push(line);
      continue;
    }
    yield { sql: sql.join("\n") };
    sql = [];
    const end = lines.indexOf("\\.", at);
    const rows = lines.slice(at + 1, end === -1 ? undefined : end);
    const [, table = "", columns = ""] = copy;
    yield {
      into: `${table} (${columns})`,
      columns: columns.trim() === "" ? 0 : columns.split(",").length,
      lines: rows,
    };
    at = end === -1 ? lines.length : end;
  }
  yield { sql: sql.join("\n") };
}

/** The line number of the first psql command that is not pg_dump's own. */
export function strayCommand(dump: string): number | undefined {
  let rows = false;
  for (const [at, line] of dump.split("\n").entries()) {
    if (rows) rows = line !== "\\.";
    else if (copyFromStdin.test(line)) rows = true;
    else if (/^\s*\\[A-Za-z!?]/.test(line) && !restriction.test(line)) return at + 1;
  }
  return undefined;
}

const escapes: Readonly<Record<string, string>> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** The fields of lines in COPY's text format. */
export function* rowsOf(lines: readonly string[]): Generator<(string | null)[]> {
  for (const line of lines) {
    yield line
      .split("\t")
      .map((field) =>
        field === "\\N"
          ? null
          : field.replace(/\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))/g, unescape),
      );
  }
}

function unescape(_all: string, hex?: string, octal?: string, other = ""): string {
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
  return escapes[other] ?? other;
}
