import { readFileSync } from "node:fs";
import { join } from "node:path";

import { jsonSchemaOf, secretKeys, stackSchema } from "@mcp-fleet/schema";
import { stringify } from "yaml";

/** What of a JSON schema is a key of Pulumi.yaml. */
interface Key {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly items?: { readonly type?: string };
}

/** The JSON Schema of everything under `config:` that is ours, as a stack file has it. */
export function stackFileSchema(): string {
  const { $schema, ...config } = jsonSchemaOf(stackSchema) as Record<string, unknown> & {
    properties: Record<string, unknown>;
  };
  const keys = Object.entries(config.properties).map(([key, value]) => [`mcp-fleet:${key}`, value]);
  // They are in no schema; in a file they are ciphertexts, as a whole or by name.
  const secrets = secretKeys.map((key) => [`mcp-fleet:${key}`, { $ref: "#/$defs/secret" }]);
  const schema = {
    $schema,
    title: "A stack of mcp-fleet",
    type: "object",
    properties: {
      config: {
        type: "object",
        properties: Object.fromEntries([...keys, ...secrets]) as Record<string, unknown>,
        // A key of ours with a typing mistake is none of another project's.
        patternProperties: { "^(?!mcp-fleet:)[^:]+(:.*)?$": {} },
        additionalProperties: { not: {} },
      },
    },
    $defs: {
      secret: {
        type: "object",
        description: "Set with pulumi config set --secret.",
        if: { required: ["secure"] },
        then: { properties: { secure: { type: "string" } }, additionalProperties: false },
        else: { additionalProperties: { $ref: "#/$defs/secret" } },
      },
    },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** Pulumi.yaml, whose keys are those of the schema: the engine shows their descriptions and takes their defaults. */
export function projectFile(projectDir: string): string {
  const text = readFileSync(join(projectDir, "Pulumi.yaml"), "utf8");
  const head = text.slice(0, text.indexOf("\nconfig:\n") + 1);
  const schema = jsonSchemaOf(stackSchema);
  const keys = Object.entries(schema.properties ?? {}).map(([key, value]) => [
    key,
    keyOf(value as Key),
  ]);
  const config = Object.fromEntries(keys) as Record<string, unknown>;
  return `${head}${stringify({ config }, { lineWidth: 0 })}`;
}

/** The engine takes no optional key: what has no default of its own is empty, which stands for none. */
function keyOf({ type = "object", description, items, default: value }: Key): object {
  const empty: Record<string, unknown> = { object: {}, array: [], string: "" };
  return {
    type,
    ...(type === "array" ? { items: { type: items?.type ?? "object" } } : {}),
    description,
    default: value ?? empty[type],
  };
}
