import { z } from "zod";

import { identifier, seconds } from "./fields";
import { table } from "./table";

const softReference = z.strictObject({
  table: identifier.meta({
    description:
      "Name of the table, with its schema (schema.table) where that is not the rows' own.",
    examples: ["integration_settings"],
  }),
  where: z
    .string()
    .min(1)
    .meta({
      description: "SQL condition that finds the rows.",
      examples: ["key = 'default_mcp_server_ids'"],
    }),
  column: identifier.meta({ description: "The column of text with the ids.", examples: ["value"] }),
  format: z
    .literal("comma-separated")
    .default("comma-separated")
    .meta({ description: "How the ids stand there.", examples: ["comma-separated"] }),
});

/** The rewrite of the rows. */
export const cutover = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .meta({ description: "Whether this stack rewrites rows.", examples: [true] }),
  name: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: "Its name in the ledger. Default: <project>/<stack>.",
      examples: ["mcp-fleet/prod"],
    }),
  table: table.prefault({}).meta({
    description: "The table with the rows, and its columns.",
    examples: [{ table: "mcp_servers", key: ["server_key"], config: "config_json" }],
  }),
  skip: z
    .array(z.string())
    .default([])
    .meta({
      description: "Keys of rows that are not even looked at, such as malformed ones.",
      examples: [["broken-server"]],
    }),
  softReferences: z
    .array(softReference)
    .default([
      {
        table: "integration_settings",
        where: "provider = 'chat' AND key = 'default_mcp_server_ids'",
        column: "value",
        format: "comma-separated",
      },
    ])
    .meta({
      description:
        "Columns of text that list ids of rows without a foreign key; they follow where two rows become one.",
      examples: [
        [
          {
            table: "integration_settings",
            where: "key = 'default_mcp_server_ids'",
            column: "value",
          },
        ],
      ],
    }),
  onConflict: z
    .enum(["fail", "keep", "force"])
    .default("fail")
    .meta({
      description:
        "What a rollback does with a row that somebody changed since: stop (fail), leave the row (keep), or restore it anyway (force).",
      examples: ["fail"],
    }),
  fence: z
    .boolean()
    .default(true)
    .meta({
      description:
        "Whether a trigger holds the rows until no old pod of the application is left (the write fence).",
      examples: [true],
    }),
  timeouts: z
    .strictObject({
      lockSeconds: seconds.optional().meta({
        description: "How long one attempt waits for locks, in seconds. Default 5.",
        examples: [10],
      }),
      statementSeconds: seconds.optional().meta({
        description: "How long one statement may take, in seconds. Default 60.",
        examples: [300],
      }),
    })
    .optional()
    .meta({
      description: "Limits of the database's work.",
      examples: [{ lockSeconds: 10, statementSeconds: 300 }],
    }),
  maxRows: z
    .int()
    .positive()
    .optional()
    .meta({
      description: "Refuses above this many of the application's own rows. Default 100,000.",
      examples: [1_000_000],
    }),
  customAliases: z
    .enum(["refuse", "merge"])
    .default("refuse")
    .meta({
      description:
        "What happens to a user's own row under an alias of a server. merge: its references move to the application's own row, and it is deleted.",
      examples: ["refuse"],
    }),
  allowSuperuser: z
    .boolean()
    .default(false)
    .meta({
      description:
        "Whether the cutover's role may be a superuser, whose rights are lent to code of the table's owner while rows are written.",
      examples: [false],
    }),
  allowPublications: z
    .boolean()
    .default(false)
    .meta({
      description:
        "Whether a publication may send ledger and journal to its subscribers, old credentials among them.",
      examples: [false],
    }),
  settleSeconds: seconds.optional().meta({
    description: "How long old pods may take to go after the rollout, in seconds. Default 600.",
    examples: [900],
  }),
});
