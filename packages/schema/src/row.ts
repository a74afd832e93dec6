import { z } from "zod";

import { mcpPath } from "./fields";

/** The server's row in the application's table. */
export const row = z.strictObject({
  key: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: "Key of the server's row. Default: the server's own key.",
      examples: ["github"],
    }),
  path: mcpPath.optional().meta({
    description:
      "The path in the URL that the row gets, where it is another than the server's; both are probed.",
    examples: ["/mcp/"],
  }),
  applicationOwns: z
    .array(z.literal("url"))
    .optional()
    .meta({
      description:
        "`url`: the application may write another path on the same server, which is neither drift nor a conflict then.",
      examples: [["url"]],
    }),
  keep: z
    .union([z.literal("all"), z.array(z.string())])
    .optional()
    .meta({
      description: "Keys of the old document that stay in the new one, or all of them.",
      examples: [["timeout"]],
    }),
  set: z
    .record(z.string(), z.string().nullable())
    .optional()
    .meta({ description: "Other columns written with the row.", examples: [{ status: "active" }] }),
  aliases: z
    .array(z.string().min(1))
    .default([])
    .meta({ description: "Older keys of the same server's row.", examples: [["jira"]] }),
  seed: z
    .strictObject({
      condition: z
        .string()
        .optional()
        .meta({
          description:
            "A SQL query; the row is created only if it returns a row. Default: whenever the row is missing.",
          examples: ["select 1 from integration_settings where provider = 'jira'"],
        }),
      values: z.record(z.string(), z.string()).meta({
        description: "Columns besides key and document, as text that PostgreSQL converts.",
        examples: [{ name: "Tools", created_at: "now" }],
      }),
    })
    .optional()
    .meta({
      description:
        "Columns of a row that does not exist yet. With condition, a SQL query, the row is created only if the query returns a row.",
      examples: [{ values: { name: "Tools", created_at: "now" } }],
    }),
});
