import { z } from "zod";

/**
 * A schema as JSON Schema: what may be written, with every explanation and example.
 *
 * @param reused what becomes of a schema that is used in several places: written out in each (`inline`), or once under
 *   `$defs` and referred to (`ref`)
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
      // Both are left out by zod where a value is transformed; ours are of what is written.
      const { examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (Array.isArray(examples)) jsonSchema.examples = examples as unknown[];
      const { def } = zodSchema._zod;
      if (def.type === "default" || def.type === "prefault")
        jsonSchema.default ??= structuredClone(def.defaultValue);
    },
  });
}
