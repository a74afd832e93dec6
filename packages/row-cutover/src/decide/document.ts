import { parse as parseToml } from "smol-toml";

/** A document as the plan sees it. Values may be secret: only names and the transport leave this package. */
export interface ParsedDocument {
  readonly format: "json" | "toml";
  /** The path to the configuration inside of the document, empty when it is the document itself. */
  readonly path: readonly string[];
  readonly content: Readonly<Record<string, unknown>>;
}

/** Longest document that is read, in characters. */
export const longestDocument = 262_144;
/** How deep objects and arrays may be nested. */
export const deepestDocument = 100;

/** The wrapper that TOML tables and some JSON documents have. */
const wrapper = "mcp_servers";

/**
 * Reads a stored document to plan and to compare. Nothing that is written back comes from here, except TOML that has
 * to become JSON.
 * @returns undefined when it is neither a JSON object nor TOML
 */
export function parseDocument(
  keys: readonly string[],
  text: string | null,
): ParsedDocument | undefined {
  const read = text === null ? undefined : readText(text);
  return read === undefined || isDeeper(read.value)
    ? undefined
    : unwrap(read.format, keys, read.value);
}

/** Parses a text as JSON, then as TOML. @returns undefined when it is neither, or longer than {@link longestDocument} */
export function readText(
  text: string,
): { readonly format: ParsedDocument["format"]; readonly value: unknown } | undefined {
  if (text.length > longestDocument) return undefined;
  const json = tryParse(() => parseJson(text));
  if (json !== undefined) return { format: "json", ...json };
  const toml = tryParse(() => parseToml(text, { integersAsBigInt: "asNeeded" }));
  return toml === undefined ? undefined : { format: "toml", ...toml };
}

/** Whether a value is nested deeper than {@link deepestDocument}, so that recursion could exhaust the stack. */
export function isDeeper(value: unknown, levels: number = deepestDocument): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

/** A number that a JavaScript number cannot hold, as it is written, so that comparing stays exact. */
class ExactNumber {
  constructor(readonly written: string) {}
}

/** Only a text with such a number needs the slower parser. */
const manyDigits = /\d[\d.]{15}/;

function parseJson(text: string): unknown {
  if (!manyDigits.test(text)) return JSON.parse(text);
  const exact = (_key: string, value: unknown, { source = "" }: { source?: string }): unknown => {
    if (typeof value !== "number" || !Number.isFinite(value)) return value;
    if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value) ? value : BigInt(source);
    return source.replace(/[eE].*$/, "").replace(/^-?0*\.?0*|\./g, "").length > 15
      ? new ExactNumber(source)
      : value;
  };
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown);
}

/** Transport and command or URL of a document, for a plan: no argument, no user information, no query. */
export function describe(content: Readonly<Record<string, unknown>>): string {
  if (typeof content.url === "string") {
    const transport = typeof content.transport === "string" ? content.transport : "url";
    return `${transport} ${plainUrl(content.url)}`;
  }
  if (typeof content.command === "string") {
    return `stdio ${programOf(content.command).split("/").at(-1) ?? ""}`;
  }
  return "unknown transport";
}

/** The program of a command line, without the variables that may stand before it. */
export function programOf(command: string): string {
  const words = command.trim().split(/\s+/);
  return words.find((word) => !/^[A-Za-z_]\w*=/.test(word)) ?? "";
}

/** A URL without login, query and fragment, which may be secret. */
export function plainUrl(text: string): string {
  if (!URL.canParse(text)) return "(not a URL)";
  const url = new URL(text);
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** Whether the document starts a process, as it did before any cutover. */
export function isEmbedded(content: Readonly<Record<string, unknown>>): boolean {
  return content.command !== undefined && content.url === undefined;
}

/** The environment of a document, by name: an object, or a list of `NAME=value` or of names with values. */
export function environment(content: Readonly<Record<string, unknown>>): [string, unknown][] {
  const { env } = content;
  if (typeof env !== "object" || env === null) return [];
  if (!Array.isArray(env)) return Object.entries(env);
  return env.flatMap((one: unknown): [string, unknown][] => {
    if (typeof one === "string") {
      const at = one.indexOf("=");
      return [at === -1 ? [one, ""] : [one.slice(0, at), one.slice(at + 1)]];
    }
    const { name, value } = (one ?? {}) as { name?: unknown; value?: unknown };
    return typeof name === "string" ? [[name, value]] : [];
  });
}

/** JSON of a TOML document. Integers of any size stay exact; dates become text. */
export function toJson(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof ExactNumber) return value.written;
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (value instanceof Date) return JSON.stringify(value);
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${toJson(v)}`);
    return `{${members.join(",")}}`;
  }
  // JSON has no NaN and no infinity.
  return JSON.stringify(value) ?? "null";
}

function unwrap(
  format: ParsedDocument["format"],
  keys: readonly string[],
  value: unknown,
): ParsedDocument | undefined {
  if (!isObject(value)) return undefined;
  const inner = value[wrapper];
  if (!isObject(inner)) return { format, path: [], content: value };
  const names = Object.keys(inner);
  const name =
    keys.find((key) => Object.hasOwn(inner, key)) ?? (names.length === 1 ? names[0] : undefined);
  const content = name === undefined ? undefined : inner[name];
  return name !== undefined && isObject(content)
    ? { format, path: [wrapper, name], content }
    : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function tryParse<T>(parse: () => T): { value: T } | undefined {
  try {
    return { value: parse() };
  } catch {
    // The parsers' messages quote the document.
    return undefined;
  }
}
