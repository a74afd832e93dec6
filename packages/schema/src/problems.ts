import { nearest, UserError } from "@mcp-fleet/errors";
import type { z } from "zod";

/** One mistake in a stack's configuration. */
export interface Problem {
  /** The configuration key, for example `servers.github.port`. */
  readonly path: string;
  readonly problem: string;
  readonly fix: string;
}

/** All mistakes of a configuration at once. Its text holds keys and never a value of a secret. */
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
    "Nothing was changed; mend all of them and run again.",
  ];
}

function sentence(one: Problem): string {
  return `[${one.path}] ${one.problem}`;
}

/** Turns what the schema found into sentences: an unknown key comes with the nearest known one. */
export function problemsOf(error: z.ZodError, schema: z.ZodType): Problem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code === "unrecognized_keys") {
      const known = keysAt(schema, path);
      return issue.keys.map((key) => unknownKey([...path, key], known));
    }
    if (issue.code === "invalid_union") {
      const inner = insideUnion(issue);
      return [invalid([...path, ...inner.path], inner.message)];
    }
    if (issue.code === "invalid_key") {
      const rule = issue.issues[0]?.message ?? "must be another one";
      return [
        {
          path: path.join("."),
          problem: `has a name that is not allowed: it ${rule}.`,
          fix: "Rename it.",
        },
      ];
    }
    return [invalid(path, issue.message)];
  });
}

type UnionIssue = Extract<z.core.$ZodIssue, { code: "invalid_union" }>;

/** What is wrong in the alternative that was meant: the one that fits but for something further inside. */
function insideUnion(issue: UnionIssue): { path: string[]; message: string } {
  const meant = issue.errors.find((found) => found.every((one) => one.path.length > 0));
  const all = meant ?? issue.errors.flat();
  const inner = all.find((one) => one.path.length > 0) ?? all[0];
  if (inner === undefined) return { path: [], message: issue.message };
  const path = inner.path.map(String);
  if (inner.code !== "invalid_union") return { path, message: inner.message };
  const deeper = insideUnion(inner);
  return { path: [...path, ...deeper.path], message: deeper.message };
}

/** The problem of a key that nothing reads. */
export function unknownKey(path: readonly string[], known: readonly string[]): Problem {
  const key = path.at(-1) ?? "";
  const near = nearest(key, known);
  const parent = path.slice(0, -1).join(".");
  return {
    path: path.join("."),
    problem: "is not a known key.",
    fix:
      near === undefined
        ? `Remove it; known keys${parent === "" ? "" : ` of ${parent}`} are ${[...known].sort().join(", ")}.`
        : `Did you mean "${[parent, near].filter((part) => part !== "").join(".")}"?`,
  };
}

function invalid(path: readonly string[], message: string): Problem {
  const missing = /received undefined/.test(message);
  return {
    path: path.join("."),
    problem: missing ? "is missing." : `${lowerFirst(message).replace(/\.$/, "")}.`,
    fix: `Set it with: pulumi config set${path.length > 1 ? " --path" : ""} ${path.join(".")} <value>`,
  };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The keys an object in the schema has at `path`. */
function keysAt(schema: z.ZodType, path: readonly string[]): string[] {
  let at: SchemaNode | undefined = schema as unknown as SchemaNode;
  for (const step of path) at = child(unwrap(at), step);
  const options = unwrap(at)?.options ?? [unwrap(at)];
  return options.flatMap((option) => Object.keys(unwrap(option)?.shape ?? {}));
}

/** The few properties of schema objects that the walk needs. */
interface SchemaNode {
  readonly shape?: Record<string, SchemaNode>;
  readonly valueType?: SchemaNode;
  readonly options?: SchemaNode[];
  /** `out` is what a preprocessed value is parsed with. */
  readonly def?: { readonly innerType?: SchemaNode; readonly out?: SchemaNode };
}

function unwrap(node: SchemaNode | undefined): SchemaNode | undefined {
  let at = node;
  for (;;) {
    const inner = at?.def?.innerType ?? at?.def?.out;
    if (inner === undefined) return at;
    at = inner;
  }
}

function child(node: SchemaNode | undefined, step: string): SchemaNode | undefined {
  const direct = node?.shape?.[step] ?? node?.valueType;
  if (direct !== undefined) return direct;
  return node?.options?.map((option) => child(unwrap(option), step)).find(Boolean);
}
