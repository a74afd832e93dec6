import { looksSecret } from "./credentials";
import { environment, isEmbedded, toJson } from "./document";
import type { RowSpec } from "./spec";

/** An option of a command line with its value: `--host chroma`, `--host=chroma`. */
interface Option {
  readonly name: string;
  readonly value: string;
}

/** Options that a cutover changes for every server. */
const expected = new Set(["--transport"]);

/**
 * Plain settings that an old document starts its process with and the server is not configured with, by name:
 * `env.CHROMA_PORT`, `--host`. An option counts as configured when any variable or argument of the server has its
 * value, since images name the same setting in different ways. Credentials have a check of their own.
 */
export function otherSettings(row: RowSpec, content: Readonly<Record<string, unknown>>): string[] {
  const { settings, secretKeys = [] } = row;
  if (settings === undefined || !isEmbedded(content)) return [];
  const variables = environment(content)
    .filter(([name]) => !looksSecret(name))
    // Other variables of the server come from a Secret or ConfigMap, so their values are unknown here.
    .filter(([name]) => name in settings.env || !secretKeys.includes(name))
    .filter(([name, value]) => value !== "" && textOf(value) !== settings.env[name])
    .map(([name]) => `env.${name}`);
  const known = new Set([
    ...Object.values(settings.env),
    ...settings.args,
    ...optionsOf(settings.args).map(({ value }) => value),
  ]);
  const options = optionsOf(content.args)
    .filter(({ name }) => !expected.has(name) && !looksSecret(name.replaceAll("-", "_")))
    .filter(({ value }) => !known.has(value))
    .map(({ name }) => name);
  return [...new Set([...options, ...variables])];
}

function optionsOf(given: unknown): Option[] {
  const args = Array.isArray(given) ? given.map((arg: unknown) => textOf(arg)) : [];
  return args.flatMap((arg, i): Option[] => {
    const [, name, inline] = /^(--[A-Za-z][\w-]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) return [];
    if (inline !== undefined) return [{ name, value: inline }];
    const next = args[i + 1];
    return next === undefined || next.startsWith("-") ? [] : [{ name, value: next }];
  });
}

/** A value as a process would get it. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : toJson(value);
}
