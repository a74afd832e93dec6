import { z } from "zod";

import { identifier } from "./fields";

const rowCondition = z
  .strictObject({
    column: identifier.meta({ description: "The column.", examples: ["deleted_at"] }),
    operator: z
      .enum(["=", "<>", "is null", "is not null"])
      .meta({ description: "How it is compared.", examples: ["is null"] }),
    value: z
      .string()
      .optional()
      .meta({
        description: "What the column is compared with, as text; for = and <>.",
        examples: ["active"],
      }),
  })
  .refine(
    ({ operator, value }) => operator.startsWith("is ") === (value === undefined),
    "must have a value with = and <>, and none with is null and is not null",
  );

/** The table with the rows, and its columns. */
export const table = z.strictObject({
  schema: identifier
    .default("public")
    .meta({ description: "Schema of the table.", examples: ["public"] }),
  table: identifier
    .default("mcp_servers")
    .meta({ description: "Name of the table.", examples: ["mcp_servers"] }),
  key: z
    .array(identifier)
    .min(1)
    .default(["server_key"])
    .meta({
      description: "The columns that tell one row from the others.",
      examples: [["server_key"]],
    }),
  match: identifier.optional().meta({
    description:
      "Where one server has many rows, its users' own: the column that holds the server's key. Default: each server has one row.",
    examples: ["server_key"],
  }),
  id: z
    .union([identifier, z.literal(false)])
    .default("id")
    .meta({
      description: "The column that other tables refer to. False where the table has none.",
      examples: ["id"],
    }),
  config: identifier.default("config_json").meta({
    description: "The column with the server's configuration: text, json or jsonb.",
    examples: ["config_json"],
  }),
  type: z
    .union([
      z.strictObject({
        column: identifier.meta({ description: "The column.", examples: ["server_type"] }),
        value: z.string().meta({
          description: "Its value in the application's own rows.",
          examples: ["integrated"],
        }),
      }),
      z.literal(false),
    ])
    .default({ column: "server_type", value: "integrated" })
    .meta({
      description:
        "What tells the application's own rows from its users', which stay as they are. False where every row is the application's own.",
      examples: [{ column: "server_type", value: "integrated" }],
    }),
  updatedAt: z
    .union([
      identifier,
      z.strictObject({
        column: identifier.meta({
          description: "The column, one of numbers.",
          examples: ["updated_ms"],
        }),
        unit: z
          .enum(["seconds", "milliseconds"])
          .meta({ description: "What it counts since 1970.", examples: ["milliseconds"] }),
      }),
      z.literal(false),
    ])
    .default("updated_at")
    .meta({
      description:
        "The column with the time of a row's last change; one of numbers with its unit. False where the table has none.",
      examples: [{ column: "updated_ms", unit: "milliseconds" }],
    }),
  where: z
    .array(rowCondition)
    .default([])
    .meta({
      description: "Rows that do not meet all of these do not exist for the cutover.",
      examples: [[{ column: "deleted_at", operator: "is null" }]],
    }),
});
