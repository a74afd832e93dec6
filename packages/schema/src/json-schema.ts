import { z } from "zod";

/**
 * Converts a schema to JSON Schema: accepted input, with descriptions and examples.
 * @param reused whether a schema that is used several times is repeated (`inline`) or referenced under `$defs`
 * (`ref`)
 */
export function jsonSchemaOf(
  schema: z.ZodType,
  reused: "inline" | "ref" = "inline",
): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schema, {
    io: "input",
    reused,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      // zod omits both where a value is transformed; ours describe the input.
      const { examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (Array.isArray(examples)) jsonSchema.examples = examples as unknown[];
      const { def } = zodSchema._zod;
      if (def.type === "default" || def.type === "prefault")
        jsonSchema.default ??= structuredClone(def.defaultValue);
    },
  });
}
