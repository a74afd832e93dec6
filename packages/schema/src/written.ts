import { isMap, isScalar, isSeq, type Node, parseDocument, Scalar } from "yaml";

import type { Problem } from "./problems";

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
  const walk = (node: unknown, path: readonly string[]): void => {
    if (isMap(node)) {
      for (const { key, value } of node.items)
        walk(value, [...path, String(isScalar(key) ? key.value : key)]);
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, [...path, String(index)]);
    } else if (isScalar(node)) {
      const source = node.source ?? "";
      const at = path.join(".");
      if (node.type !== Scalar.PLAIN || exact.test(source)) return;
      if (!places.some((place) => place.test(at)) || !notText.some((one) => one.test(source)))
        return;
      const last = path.at(-1) ?? "";
      const written = `"${source === "~" ? "" : source}"`;
      problems.push({
        path: at,
        problem: `is ${source} without quotes, which is no text to YAML, so the process may be told something else.`,
        fix: `Write it in quotes: ${/^\d+$/.test(last) ? "-" : `${last}:`} ${written}`,
      });
    }
  };
  const document = parseDocument(text, { logLevel: "silent" });
  const config = document.get("config") as Node | undefined;
  if (isMap(config)) {
    for (const { key, value } of config.items) {
      const name = String(isScalar(key) ? key.value : key);
      if (name.startsWith("mcp-fleet:")) walk(value, [name.slice("mcp-fleet:".length)]);
    }
  }
  return problems;
}
