import { createHash } from "node:crypto";

import { canonicalJson } from "@mcp-fleet/errors";

/** A tool as its server describes it to clients: what an agent reads before it calls it. */
export interface ToolDefinition {
  readonly name: string;
  readonly title?: unknown;
  readonly description?: unknown;
  readonly inputSchema?: unknown;
  readonly outputSchema?: unknown;
  readonly annotations?: unknown;
}

/** The parts of a tool that are agreed to, each by itself. */
export const toolParts = ["description", "input", "output", "annotations"] as const;

export type ToolPart = (typeof toolParts)[number];

/** What messages call them. */
export const toolPartNames: Readonly<Record<ToolPart, string>> = {
  description: "description",
  input: "input schema",
  output: "output schema",
  annotations: "annotations",
};

/** A hash of each part that a tool has. */
export type ToolDigest = Readonly<Partial<Record<ToolPart, string>>>;

/** The tools that a server is to list. */
export interface ToolLock {
  /** By name. */
  readonly tools: Readonly<Record<string, ToolDigest>>;
  /** Whether other tools pass. */
  readonly additions: boolean;
}

/** How a list differs from what was agreed. */
export interface LockChanges {
  readonly missing: readonly string[];
  readonly changed: readonly { readonly name: string; readonly parts: readonly ToolPart[] }[];
  readonly added: readonly string[];
}

/** What each part of a tool is made of; undefined for a part that it does not have. */
export function partsOf(tool: ToolDefinition): Readonly<Record<ToolPart, unknown>> {
  const { title, annotations } = tool;
  return {
    description: tool.description,
    input: tool.inputSchema,
    output: tool.outputSchema,
    // The protocol has a title in both places, and annotations may have any key: each keeps its place.
    annotations:
      title === undefined && annotations === undefined ? undefined : { title, annotations },
  };
}

/**
 * Hashes of a tool's parts. What has no order in JSON Schema has none here: keys, `required`, `enum` and lists of types; and
 * the words of a `default` such as "summary,status", which a Python server may make of a set, in another order at each start.
 */
export function digestOf(tool: ToolDefinition): ToolDigest {
  const parts = Object.entries(partsOf(tool)).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    parts.map(([part, value]) => {
      const text = new Hashed();
      if (part === "input" || part === "output") writeSchema(text, value);
      else writeValue(text, value);
      return [part, text.digest()];
    }),
  );
}

/** Of each tool of a list by name. */
export const digestsOf = (
  tools: Readonly<Record<string, Omit<ToolDefinition, "name">>>,
): ToolLock["tools"] =>
  Object.fromEntries(
    Object.entries(tools).map(([name, tool]) => [name, digestOf({ ...tool, name })]),
  );

/** Keywords whose lists have no order. */
const unordered = new Set(["required", "enum", "type"]);
/** Keywords whose values are what they are, whatever keys they have. */
const data = new Set(["const", "default", "enum", "examples", "example"]);
/** Keywords whose keys are names of the schema's author. */
const named = new Set(["properties", "patternProperties", "$defs", "definitions"]);

/** Text that is hashed as it comes: the gate has not the memory for copies of a long list. */
class Hashed {
  private readonly hash = createHash("sha256");
  private held = "";

  write(text: string): void {
    this.held += text;
    if (this.held.length < 16_384) return;
    this.hash.update(this.held);
    this.held = "";
  }

  /** 132 of SHA-256's bits: the whole list of a pod's gate has to fit into a variable. */
  digest(): string {
    return this.hash.update(this.held).digest("base64url").slice(0, 22);
  }
}

/** Writes a schema, or a list of them, without the order that it does not have. */
function writeSchema(text: Hashed, schema: unknown): void {
  if (Array.isArray(schema)) return writeList(text, schema, writeSchema);
  if (!isRecord(schema)) return writeValue(text, schema);
  // Lists such as `enumNames` name the values by their order.
  const isOrdered = Object.keys(schema).some((key) => /enum./i.test(key) || /^x-.*enum/i.test(key));
  writeEntries(text, schema, (value, key) => {
    if (key === "default") return writeValue(text, sortedWords(value));
    if (Array.isArray(value) && unordered.has(key) && !(key === "enum" && isOrdered))
      return writeValue(text, sorted(value));
    if (data.has(key)) return writeValue(text, value);
    if (!named.has(key) || !isRecord(value)) return writeSchema(text, value);
    writeEntries(text, value, (one) => writeSchema(text, one));
  });
}

function writeValue(text: Hashed, value: unknown): void {
  if (Array.isArray(value)) return writeList(text, value, writeValue);
  if (isRecord(value)) return writeEntries(text, value, (one) => writeValue(text, one));
  text.write(JSON.stringify(value) ?? "null");
}

function writeList(
  text: Hashed,
  list: readonly unknown[],
  write: (text: Hashed, one: unknown) => void,
): void {
  text.write("[");
  for (const [at, one] of list.entries()) {
    if (at > 0) text.write(",");
    write(text, one);
  }
  text.write("]");
}

function writeEntries(
  text: Hashed,
  record: Readonly<Record<string, unknown>>,
  write: (value: unknown, key: string) => void,
): void {
  text.write("{");
  const keys = Object.keys(record).filter((key) => record[key] !== undefined);
  for (const [at, key] of keys.sort().entries()) {
    text.write(`${at > 0 ? "," : ""}${JSON.stringify(key)}:`);
    write(record[key], key);
  }
  text.write("}");
}

const sorted = (values: readonly unknown[]): unknown[] =>
  values
    .map((value) => [canonicalJson(value), value] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, value]) => value);

/** Of a list of words alone: a sentence with commas says something else in another order. */
function sortedWords(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const separator = value.includes(", ") ? ", " : ",";
  const words = value.split(separator);
  return words.every((word) => /^[^\s,]+$/.test(word)) ? words.sort().join(separator) : value;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Compares a list with what was agreed. */
export function lockChanges(
  { tools }: Pick<ToolLock, "tools">,
  listed: readonly ToolDefinition[],
): LockChanges {
  const names = new Set(listed.map(({ name }) => name));
  const isLocked = (name: string): boolean => Object.hasOwn(tools, name);
  return {
    missing: Object.keys(tools).filter((name) => !names.has(name)),
    changed: listed
      .filter(({ name }) => isLocked(name))
      .map((tool) => ({ name: tool.name, parts: changedParts(tools[tool.name] ?? {}, tool) }))
      .filter(({ parts }) => parts.length > 0),
    added: [...names].filter((name) => !isLocked(name)),
  };
}

function changedParts(agreed: ToolDigest, tool: ToolDefinition): ToolPart[] {
  const now = digestOf(tool);
  return toolParts.filter((part) => agreed[part] !== now[part]);
}

/** A hash of all that servers are held to; undefined where they are held to nothing. */
export function lockHash(
  targets: readonly { readonly name: string; readonly lock?: ToolLock }[],
): string | undefined {
  const locks = targets.flatMap(({ name, lock }) => (lock === undefined ? [] : [[name, lock]]));
  if (locks.length === 0) return undefined;
  const text = canonicalJson(Object.fromEntries(locks));
  return createHash("sha256").update(text).digest("hex");
}

/** What is not as it was agreed, as a predicate; undefined where all is. */
export function lockProblem(lock: ToolLock, listed: readonly ToolDefinition[]): string | undefined {
  const { missing, changed, added } = lockChanges(lock, listed);
  const changes = changed.map(
    ({ name, parts }) => `${name} (${parts.map((part) => toolPartNames[part]).join(", ")})`,
  );
  const said = [
    ...(missing.length === 0 ? [] : [`lists ${some(missing)} no more`]),
    ...(changes.length === 0 ? [] : [`has changed ${some(changes)}`]),
    ...(lock.additions || added.length === 0 ? [] : [`lists ${some(added)} in addition`]),
  ];
  return said.length === 0 ? undefined : said.join(", and ");
}

/** Tools that a sentence names of each kind of change. */
const mostNamed = 8;

function some(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return [...names.slice(0, mostNamed), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}
