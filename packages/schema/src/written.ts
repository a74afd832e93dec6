import { type Document, isAlias, isMap, isScalar, isSeq, Scalar, type YAMLMap } from "yaml";

import { configPath, type Step } from "./paths";
import type { Problem } from "./problems";
import { parseYaml } from "./read-yaml";

/** Where a stack passes text to a process. The value that YAML parses must equal the text in the file. */
const places = [
  /^servers\.[^.]+\.(env|args|command|stdio|secretVersion)(\.|$)/,
  /^servers\.[^.]+\.(sidecars|initContainers)\.\d+\.(env|args|command)(\.|$)/,
  /^studio\.env\./,
  /^mesh\.(registry|agents\.[^.]+)\.(env|args|command)(\.|$)/,
];

/** Text that some YAML version (1.1, 1.2) parses as a number, a date or null. */
const notText = [
  /^[-+]?(\d[\d_]*)?\.?\d[\d_]*\.?(e[-+]?\d+)?$/i,
  /^[-+]?0[xob][\da-f_]+$/i,
  /^[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?$/,
  /^[-+]?\.(inf|nan)$/i,
  /^\d{4}-\d\d?-\d\d?([Tt ].*)?$/,
  /^(null|~|true|false)$/i,
];
/** How many values of a file are visited: aliases of aliases could go on without end. */
const maxNodes = 200_000;
/** Stands for the merge key; no text can equal it. */
const mergeKey = "\0<<";
/** How deep merged maps may merge others. */
const maxMerges = 20;
/** Values that YAML parses without change. */
const exact = /^(true|false|0|-?[1-9]\d{0,14})$/;

/**
 * Values of a stack file that a process would not receive as written: `0755`, `1.10`, `2026-01-01`. YAML parses
 * them as numbers and dates, which cannot be seen afterwards.
 * @param text of a `Pulumi.<stack>.yaml`; invalid YAML is reported elsewhere
 */
export function misread(text: string): Problem[] {
  const problems: Problem[] = [];
  const document = parseYaml(text);
  let left = maxNodes;
  const walk = (given: unknown, path: readonly Step[]): void => {
    const node = resolved(given, document);
    left -= 1;
    if (left < 0) return;
    if (isMap(node)) {
      for (const [key, value] of entriesOf(node, document)) walk(value, [...path, key]);
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
    } else if (isScalar(node)) {
      const source = node.source ?? "";
      const at = path.join(".");
      if (node.type !== Scalar.PLAIN || exact.test(source)) return;
      if (!places.some((place) => place.test(at)) || !notText.some((one) => one.test(source)))
        return;
      const last = path.at(-1) ?? "";
      const written = `"${source === "~" ? "" : source}"`;
      problems.push({
        path: configPath(path),
        problem: `is ${source} without quotes, which YAML does not parse as text, so the process may get another value.`,
        fix: `Write it in quotes: ${typeof last === "number" ? "-" : `${last}:`} ${written}`,
      });
    }
  };
  const config = resolved(document.get("config", true), document);
  if (isMap(config)) {
    for (const [name, value] of entriesOf(config, document)) {
      if (name.startsWith("mcp-fleet:")) walk(value, [name.slice("mcp-fleet:".length)]);
    }
  }
  return problems;
}

/**
 * The node that an alias refers to; any other node unchanged. Aliases without anchor are rejected where files
 * are read.
 */
function resolved(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

/** A map's own keys, then the merged ones (`<<`) that it does not have itself. */
function entriesOf(map: YAMLMap, document: Document, depth = 0): [string, unknown][] {
  // The merge key is a symbol; the text "<<" is an ordinary key.
  const nameOf = (key: unknown): string =>
    isScalar(key) ? (typeof key.value === "symbol" ? mergeKey : String(key.value)) : String(key);
  const own = map.items.map(({ key, value }): [string, unknown] => [nameOf(key), value]);
  const found = new Map(own.filter(([key]) => key !== mergeKey));
  const merged = own.flatMap(([key, value]) => {
    const source = resolved(value, document);
    if (key !== mergeKey || depth > maxMerges) return [];
    return isSeq(source) ? source.items : [source];
  });
  for (const source of merged) {
    const from = resolved(source, document);
    if (!isMap(from)) continue;
    for (const [key, value] of entriesOf(from, document, depth + 1))
      if (!found.has(key)) found.set(key, value);
  }
  return [...found];
}
