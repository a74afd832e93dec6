import { type Document, isAlias, isMap, isScalar, isSeq, Scalar, type YAMLMap } from "yaml";

import { configPath, type Step } from "./paths";
import type { Problem } from "./problems";
import { parseYaml } from "./read-yaml";

/** Where a stack says text to a process: what YAML makes of it has to be what stands in the file. */
const places = [
  /^servers\.[^.]+\.(env|args|command|stdio|secretVersion)(\.|$)/,
  /^servers\.[^.]+\.(sidecars|initContainers)\.\d+\.(env|args|command)(\.|$)/,
  /^studio\.env\./,
  /^mesh\.(registry|agents\.[^.]+)\.(env|args|command)(\.|$)/,
];

/** What one reader or another of YAML (1.1, 1.2) takes for a number, a date or nothing. */
const notText = [
  /^[-+]?(\d[\d_]*)?\.?\d[\d_]*\.?(e[-+]?\d+)?$/i,
  /^[-+]?0[xob][\da-f_]+$/i,
  /^[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?$/,
  /^[-+]?\.(inf|nan)$/i,
  /^\d{4}-\d\d?-\d\d?([Tt ].*)?$/,
  /^(null|~|true|false)$/i,
];
/** How many values of a file are looked at: aliases of aliases have no end. */
const maxNodes = 200_000;
/** Stands for the key that merges; no text is like it. */
const mergeKey = "\0<<";
/** How deep merged maps may merge others. */
const maxMerges = 20;
/** These come out as they went in. */
const exact = /^(true|false|0|-?[1-9]\d{0,14})$/;

/**
 * What of a stack file would not arrive at a process as it stands there: `0755`, `1.10`, `2026-01-01`. A reader of YAML
 * turns them into numbers and dates, and nobody sees it afterwards.
 *
 * @param text of a `Pulumi.<stack>.yaml`; one that cannot be read has no problem here
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
        problem: `is ${source} without quotes, which is no text to YAML, so the process may be told something else.`,
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

/** What an alias stands for; anything else as it is. One of nothing is refused where files are read. */
function resolved(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

/** A map's own keys, then those that are merged (`<<`) into it and that it has not itself. */
function entriesOf(map: YAMLMap, document: Document, depth = 0): [string, unknown][] {
  // The key that merges is a symbol; the text "<<" is a key like others.
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
