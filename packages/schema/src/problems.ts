import { cleanLine, nearest, UserError } from "@mcp-fleet/errors";
import { z } from "zod";

import { configPath, setCommand, type Step } from "./paths";

/** One mistake in a stack's configuration. */
export interface Problem {
  /** The configuration key, for example `servers.github.port`. */
  readonly path: string;
  readonly problem: string;
  readonly fix: string;
}

/** Every mistake of a configuration at once. The message contains keys and never a secret's value. */
export class ConfigError extends UserError {
  constructor(readonly problems: readonly Problem[]) {
    super(...twoSentences(problems));
  }
}

/** One problem as it is; several as a list, each with its own fix. */
function twoSentences(problems: readonly Problem[]): [problem: string, fix: string] {
  const [only] = problems;
  if (only !== undefined && problems.length === 1) return [sentence(only), only.fix];
  const list = problems.map((one) => `  ${sentence(one)}\n    ${one.fix}`);
  return [
    `${problems.length} things are wrong in this stack's configuration:\n${list.join("\n")}`,
    "Nothing was changed; correct all of them and run again.",
  ];
}

/** On one line: a key is user input and may contain line breaks. */
export function sentence(one: Problem): string {
  return cleanLine(`[${one.path}] ${one.problem}`);
}

/** Converts the schema's errors to sentences. An unknown key comes with the nearest known one. */
export function problemsOf(error: z.ZodError, schema: z.ZodType): Problem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
    if (issue.code === "unrecognized_keys") {
      const known = keysAt(schema, path);
      return issue.keys.map((key) => unknownKey([...path, key], known));
    }
    if (issue.code === "invalid_union") {
      const inner = insideUnion(issue);
      const at = [...path, ...inner.path];
      if (inner.unknown !== undefined)
        return inner.unknown.map((key) => unknownKey([...at, key], keysAt(schema, at)));
      return [invalid([...path, ...inner.path], inner.message, schema)];
    }
    if (issue.code === "invalid_key") {
      const rule = issue.issues[0]?.message ?? "must be another one";
      return [
        {
          path: configPath(path),
          problem: `has a name that is not allowed: it ${rule}.`,
          fix: "Rename it.",
        },
      ];
    }
    return [invalid(path, issue.message, schema)];
  });
}

/** What is wrong inside a union and where, or keys that no alternative knows. */
interface InnerIssue {
  readonly path: Step[];
  readonly message: string;
  readonly unknown?: readonly string[];
}

type UnionIssue = Extract<z.core.$ZodIssue, { code: "invalid_union" }>;

/** The error of the alternative that was meant: the one whose only mistake is further inside. */
function insideUnion(issue: UnionIssue): InnerIssue {
  const meant = issue.errors.find((found) => found.every((one) => one.path.length > 0));
  const unknown = issue.errors.map((found) =>
    found.flatMap((one) =>
      one.code === "unrecognized_keys" && one.path.length === 0 ? one.keys : [],
    ),
  );
  // Every alternative for an object rejects keys that it does not know. Keys that none knows are wrong.
  const objects = unknown.filter((keys) => keys.length > 0);
  const [first = []] = objects;
  const nobodys = first.filter((key) => objects.every((keys) => keys.includes(key)));
  if (meant === undefined && nobodys.length > 0)
    return { path: [], message: issue.message, unknown: nobodys };
  if (meant === undefined && objects.length > 1)
    return { path: [], message: "has keys that exclude each other" };
  const all = meant ?? issue.errors.flat();
  const inner = all.find((one) => one.path.length > 0) ?? all[0];
  if (inner === undefined) return { path: [], message: issue.message };
  const path = inner.path.map((step) => (typeof step === "number" ? step : String(step)));
  if (inner.code !== "invalid_union") return { path, message: inner.message };
  const deeper = insideUnion(inner);
  return { ...deeper, path: [...path, ...deeper.path] };
}

/** The problem of an unknown key. */
export function unknownKey(path: readonly Step[], known: readonly string[]): Problem {
  const key = String(path.at(-1) ?? "");
  const near = nearest(key, known);
  const parent = configPath(path.slice(0, -1));
  return {
    path: configPath(path),
    problem: "is not a known key.",
    fix:
      near === undefined
        ? `Remove it; known keys${parent === "" ? "" : ` of ${parent}`} are ${[...known].sort().join(", ")}.`
        : `Did you mean "${configPath([...path.slice(0, -1), near])}"?`,
  };
}

function invalid(path: readonly Step[], message: string, schema: z.ZodType): Problem {
  const missing = /received undefined/.test(message);
  return {
    path: configPath(path),
    problem: missing ? "is missing." : `${lowerFirst(message).replace(/\.$/, "")}.`,
    fix: setCommand(path, exampleAt(schema, path)),
  };
}

/** The schema's example for this place, or for the nearest enclosing one. */
function exampleAt(schema: z.ZodType, path: readonly Step[]): unknown {
  for (let length = path.length; length > 0; length -= 1) {
    let at: SchemaNode | undefined = schema;
    for (const step of path.slice(0, length)) at = child(unwrap(at), String(step));
    for (let node = at; node !== undefined; node = innerOf(node)) {
      const { examples } = z.globalRegistry.get(node as unknown as z.ZodType) ?? {};
      const [example] = Array.isArray(examples) ? (examples as unknown[]) : [];
      if (example !== undefined)
        return path
          .slice(length)
          .reduce<unknown>(
            (value, step) => (value as Record<string, unknown> | null)?.[step],
            example,
          );
    }
  }
  return undefined;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The keys of the object at `path` in the schema. */
function keysAt(schema: z.ZodType, path: readonly Step[]): string[] {
  let at: SchemaNode | undefined = schema;
  for (const step of path) at = child(unwrap(at), String(step));
  const options = unwrap(at)?.options ?? [unwrap(at)];
  return [...new Set(options.flatMap((option) => Object.keys(unwrap(option)?.shape ?? {})))];
}

/** The properties of schema objects that the walk needs. */
interface SchemaNode {
  readonly shape?: Record<string, SchemaNode>;
  readonly valueType?: SchemaNode;
  /** The schema of a list's items. */
  readonly element?: SchemaNode;
  readonly options?: SchemaNode[];
  readonly def?: {
    readonly type?: string;
    readonly innerType?: SchemaNode;
    /** A pipe: one side is a transform, the other describes the input. */
    readonly in?: SchemaNode;
    readonly out?: SchemaNode;
  };
}

function innerOf({ def }: SchemaNode): SchemaNode | undefined {
  return def?.innerType ?? (def?.in?.def?.type === "transform" ? def.out : def?.in);
}

function unwrap(node: SchemaNode | undefined): SchemaNode | undefined {
  let at = node;
  for (;;) {
    const inner = at === undefined ? undefined : innerOf(at);
    if (inner === undefined) return at;
    at = inner;
  }
}

function child(node: SchemaNode | undefined, step: string): SchemaNode | undefined {
  const direct = node?.shape?.[step] ?? node?.valueType ?? node?.element;
  if (direct !== undefined) return direct;
  return node?.options?.map((option) => child(unwrap(option), step)).find(Boolean);
}
