import { z } from "zod";

const output = z.string().min(1);

const outputs = z
  .strictObject({
    namespace: output.optional().meta({
      description: "Output with the value of namespace.",
      examples: ["namespace"],
    }),
    databaseUrl: output.optional().meta({
      description: "Output with the value of the secret databaseUrl.",
      examples: ["databaseUrl"],
    }),
    studioSecrets: z
      .record(z.string().min(1), output)
      .optional()
      .meta({
        description: "Outputs that stand for secrets of the application: variable -> output.",
        examples: [{ DATABASE_URL: "studioDatabaseUrl" }],
      }),
  })
  .refine((value) => Object.keys(value).length > 0, "must name at least one output");

/** What is read from another stack's outputs: the key to fill, and the output's name. */
export const shared = z.strictObject({
  stack: z
    .string()
    .min(1)
    .meta({ description: "Its full name.", examples: ["organization/project/stack"] }),
  outputs: outputs.meta({
    description: "The outputs to read: the key of this stack, and the output's name.",
    examples: [{ namespace: "namespace", databaseUrl: "databaseUrl" }],
  }),
});

/** The value of the key `shared`. */
export type SharedSettings = z.infer<typeof shared>;
