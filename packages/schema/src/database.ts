import { z } from "zod";

import { dnsName, identifier, port, tls } from "./fields";

const portForward = z
  .strictObject({
    namespace: dnsName.meta({
      description: "Namespace of the Service or pod.",
      examples: ["databases"],
    }),
    service: z
      .string()
      .optional()
      .meta({
        description: "Name of the Service; a ready pod of it is taken.",
        examples: ["postgres"],
      }),
    pod: z
      .string()
      .optional()
      .meta({
        description: "Name of the pod, where no Service leads to it.",
        examples: ["postgres-0"],
      }),
    port: port.meta({ description: "Port of the Service, or of the pod.", examples: [5432] }),
  })
  .refine(
    (value) => (value.service === undefined) !== (value.pod === undefined),
    "must name either a service or a pod",
  );

const manage = z.strictObject({
  role: identifier.default("mcp_cutover").meta({
    description: "Name of the role that is made.",
    examples: ["mcp_cutover"],
  }),
  memberOf: identifier.optional().meta({
    description:
      "The role that owns the table, to make ours a member of it. The write fence does not need it.",
    examples: ["llmctl"],
  }),
  tables: z
    .array(identifier)
    .default([])
    .meta({
      description: "Tables that refer to the table with the rows.",
      examples: [["agent_task_mcp_servers"]],
    }),
  sequences: z
    .array(identifier)
    .optional()
    .meta({
      description:
        "Sequences that give new rows their id. Default, where rows are seeded: <table>_<id>_seq, as PostgreSQL names it.",
      examples: [["mcp_servers_id_seq"]],
    }),
});

/** How the database of the rows is reached. */
export const database = z.strictObject({
  connect: z
    .union([
      z.literal("direct"),
      z.strictObject({
        portForward: portForward.meta({
          description: "Through the Kubernetes API, to a Service or a pod.",
          examples: [{ namespace: "databases", service: "postgres", port: 5432 }],
        }),
      }),
    ])
    .default("direct")
    .meta({
      description:
        "How it is reached from where the program runs: at the address in databaseUrl (direct), or through the cluster.",
      examples: [{ portForward: { namespace: "databases", service: "postgres", port: 5432 } }],
    }),
  tls: tls.default("verify-full").meta({
    description:
      "verify-full: certificate and host name are checked; verify-ca: the certificate; disable: no TLS. sslmode in databaseUrl is ignored.",
    examples: ["verify-full"],
  }),
  manage: manage.optional().meta({
    description: "Makes a database role for the cutover. Default: the role of databaseUrl is used.",
    examples: [{ memberOf: "llmctl", tables: ["agent_task_mcp_servers"] }],
  }),
});
