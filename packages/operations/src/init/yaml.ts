import { cleanLine } from "@mcp-fleet/errors";

/** Words that YAML does not parse as text. */
const reserved = /^(true|false|yes|no|on|off|null|y|n|~)$/i;

/** Text as a YAML scalar that parses to the same text. */
export function scalar(text: string): string {
  const plain = /^[A-Za-z_][\w./-]*(:[\w./@-]+)*$/.test(text) && !reserved.test(text);
  return plain ? text : JSON.stringify(text);
}

/** A list on one line. */
export function flow(list: readonly string[]): string {
  return `[${list.map((one) => (/^[\w.-]+$/.test(one) ? scalar(one) : JSON.stringify(one))).join(", ")}]`;
}

/** Comment lines, cleaned and wrapped at 100 columns. */
export function comment(indent: number, text: string): string[] {
  const width = 100 - indent - 2;
  const lines: string[] = [];
  for (const word of cleanLine(text).split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line) => `${" ".repeat(indent)}# ${line}`);
}

/** A comment at a place that a person must decide. */
export function decide(indent: number, text: string): string[] {
  return comment(indent, `DECIDE: ${text}`);
}
