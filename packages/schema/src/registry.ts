import { z } from "zod";

import { dnsName, identifier, image, port, tls } from "./fields";
import { resources } from "./resources";

const databasePort = port
  .default(5432)
  .meta({ description: "Port of the database.", examples: [5432] });

/** The registry's storage where this project creates none of it; a chart supports only these. */
export const givenStorage = z.union([
  z.strictObject({
    sqlite: z
      .strictObject({
        size: z
          .string()
          .regex(/^\d+(Ki|Mi|Gi|Ti)$/, 'must be a size such as "1Gi"')
          .meta({ description: "Size of the claim, in bytes.", examples: ["1Gi"] }),
        storageClass: dnsName.optional().meta({
          description: "Name of a StorageClass. Default: the cluster's.",
          examples: ["fast"],
        }),
      })
      .meta({
        description: "SQLite on a claim of the registry's own.",
        examples: [{ size: "1Gi", storageClass: "fast" }],
      }),
  }),
  z.strictObject({
    postgresql: z
      .strictObject({
        secret: dnsName.meta({
          description: "Name of a Secret that exists in the registry's namespace.",
          examples: ["mcp-registry-database"],
        }),
        key: z
          .string()
          .min(1)
          .default("DATABASE_URL")
          .meta({ description: "The key in it that holds the URL.", examples: ["DATABASE_URL"] }),
        port: databasePort,
      })
      .meta({
        description: "A PostgreSQL database that exists; a Secret holds its URL.",
        examples: [{ secret: "mcp-registry-database" }],
      }),
  }),
]);

const storage = z.union([
  ...givenStorage.options,
  z.strictObject({
    managed: z
      .strictObject({
        database: identifier.default("mcp_mesh").meta({
          description: "Name of the database; it cannot change.",
          examples: ["mcp_mesh"],
        }),
        role: identifier
          .default("mcp_mesh_registry")
          .meta({ description: "Name of the role.", examples: ["mcp_mesh_registry"] }),
        tls: tls.default("verify-full").meta({
          description:
            "How the registry checks the server's certificate, and so does this program.",
          examples: ["verify-full"],
        }),
        address: z
          .strictObject({
            host: z
              .string()
              .min(1)
              .meta({ description: "Host of the database.", examples: ["db.example.com"] }),
            port: databasePort,
          })
          .optional()
          .meta({
            description:
              "Where the registry's pod reaches the server. Default: as in meshDatabaseUrl.",
            examples: [{ host: "db.example.com", port: 5432 }],
          }),
      })
      .meta({
        description:
          "A PostgreSQL database, a role and their Secret, made by the login of the secret meshDatabaseUrl.",
        examples: [{ database: "mcp_mesh", role: "mcp_mesh_registry" }],
      }),
  }),
]);

/** The registry of a mesh. The values of charts/mcp-registry are checked by it too. */
export const registry = z.strictObject({
  name: dnsName.default("mcp-registry").meta({
    description: "Name of its StatefulSet and of the Service that agents call.",
    examples: ["mcp-registry"],
  }),
  image: image.meta({
    description: "The registry's image, pinned by tag or digest.",
    examples: ["mcpmesh/registry:3.6.0"],
  }),
  port: port.default(8000).meta({ description: "The port it listens on.", examples: [8000] }),
  storage: storage.prefault({ sqlite: { size: "1Gi" } }).meta({
    description:
      "Where it keeps its data: SQLite on a claim (sqlite), a PostgreSQL that exists (postgresql), or one that is made (managed).",
    examples: [{ sqlite: { size: "2Gi" } }],
  }),
  healthCheckSeconds: z
    .int()
    .positive()
    .optional()
    .meta({
      description: "How often it looks for agents without a heartbeat, in seconds. Default 10.",
      examples: [10],
    }),
  agentTimeoutSeconds: z
    .int()
    .positive()
    .optional()
    .meta({
      description:
        "An agent without a heartbeat for this long is unhealthy, in seconds. Default 20.",
      examples: [20],
    }),
  logLevel: z
    .enum(["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"])
    .optional()
    .meta({ description: "What it logs at least. Default INFO.", examples: ["DEBUG"] }),
  env: z
    .record(z.string(), z.string())
    .optional()
    .meta({
      description: "Other variables of it, kept in a ConfigMap.",
      examples: [{ HTTPS_PROXY: "http://proxy.example.com:3128" }],
    }),
  resources: resources.optional().meta({
    description:
      "Requests and limits of its container. Default: 50m to 1 CPU, 64Mi to 512Mi of memory.",
    examples: [{ requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "512Mi" } }],
  }),
});
