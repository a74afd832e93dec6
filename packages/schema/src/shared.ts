import { z } from "zod";

const output = z.string().min(1);

/** What is read from the outputs of another stack: the key that it stands for, and the output's name. */
export const shared = z.strictObject({
  stack: z
    .string()
    .min(1)
    .meta({ description: "Its full name.", examples: ["organization/project/stack"] }),
  outputs: z
    .strictObject({
      namespace: output.optional(),
      databaseUrl: output.optional(),
      studioSecrets: z.record(z.string().min(1), output).optional(),
    })
    .refine((value) => Object.keys(value).length > 0, "must name at least one output"),
});

/** The key `shared`, where it is set. */
export type SharedSettings = z.infer<typeof shared>;
