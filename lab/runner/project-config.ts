import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { UserError } from "@mcp-fleet/errors";
import { parse } from "yaml";

import type { RunnerConfig } from "./types";

/** One key of `config` in Pulumi.yaml. */
interface Schema {
  type?: string;
  items?: Schema;
  default?: unknown;
  value?: unknown;
  secret?: boolean;
}

/**
 * The stack's config with what Pulumi.yaml adds to it, as the CLI does: a default for each key that is not set.
 *
 * @throws UserError, unless `lenient`, for a required key that is not set, a value of the wrong type and a secret
 *   that is not one
 */
export function withProjectConfig(
  projectDir: string,
  project: string,
  config: RunnerConfig,
  lenient = false,
): RunnerConfig {
  const file = join(projectDir, "Pulumi.yaml");
  if (!existsSync(file)) return config;
  const content = parse(readFileSync(file, "utf8")) as { config?: Record<string, unknown> } | null;
  const complete: Record<string, RunnerConfig[string]> = { ...config };
  const missing: string[] = [];
  for (const [name, entry] of Object.entries(content?.config ?? {})) {
    const key = name.includes(":") ? name : `${project}:${name}`;
    const schema = isSchema(entry) ? entry : { default: entry };
    const given = config[key];
    const initial = schema.value ?? schema.default;
    if (given !== undefined) {
      if (!lenient) validate(name, schema, given);
    } else if (initial !== undefined) {
      complete[key] = { value: typeof initial === "string" ? initial : JSON.stringify(initial) };
    } else if (!name.includes(":")) {
      missing.push(name);
    }
  }
  if (missing.length > 0 && !lenient) {
    throw new UserError(
      `The config key ${missing.join(", ")} is not set, and Pulumi.yaml has no default for it.`,
      "Set it in the stack's config.",
    );
  }
  return complete;
}

function validate(name: string, schema: Schema, given: RunnerConfig[string]): void {
  if (schema.secret === true && given.secret !== true) {
    throw new UserError(
      `The config key ${name} must be a secret.`,
      `Set it with \`pulumi config set --secret ${name}\`, or mark it as secret.`,
    );
  }
  if (schema.type === undefined || fits(schema, structured(given.value))) return;
  throw new UserError(
    `The config key ${name} must be of type ${schema.type}.`,
    "Correct its value in the stack's config.",
  );
}

/** The CLI's own rules: numbers and booleans may be text that reads as one. */
function fits(schema: Schema, value: unknown): boolean {
  switch (schema.type) {
    case "string":
      return typeof value === "string";
    case "integer":
      return Number.isInteger(typeof value === "string" ? Number(value) : value);
    case "boolean":
      return typeof value === "boolean" || value === "true" || value === "false";
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default: {
      const items = schema.items;
      return (
        Array.isArray(value) && items !== undefined && value.every((item) => fits(items, item))
      );
    }
  }
}

function isSchema(entry: unknown): entry is Schema {
  return typeof entry === "object" && entry !== null && !Array.isArray(entry);
}

/** The object or list a text is the JSON of; any other text as it is. */
export function structured(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
