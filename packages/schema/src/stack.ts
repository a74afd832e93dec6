import { z } from "zod";

import {
  absolutePath,
  cidr,
  dnsName,
  env,
  identifier,
  image,
  objectName,
  port,
  replicas,
  resources,
  seconds,
  someLabels,
  tls,
} from "./fields";
import { manager } from "./manager";
import { mesh } from "./mesh";
import { network } from "./network";
import { observability } from "./observability";
import { protocols } from "./protocols";
import { serverSchema } from "./server";
import { shared } from "./shared";

const consumer = z.strictObject({
  name: dnsName,
  labels: someLabels,
  serviceAccount: objectName.optional(),
  protocols: protocols.optional(),
});

const portForward = z
  .strictObject({
    namespace: dnsName,
    service: z.string().optional(),
    pod: z.string().optional(),
    port,
  })
  .refine(
    (value) => (value.service === undefined) !== (value.pod === undefined),
    "must name either a service or a pod",
  );

const database = z.strictObject({
  connect: z.union([z.literal("direct"), z.strictObject({ portForward })]).default("direct"),
  tls: tls.default("verify-full"),
  /** Makes a database role for the cutover; without it the role of databaseUrl is used. */
  manage: z
    .strictObject({
      role: identifier.default("mcp_cutover"),
      /** The role that owns the table, to make ours a member of it. The write fence does not need it. */
      memberOf: identifier.optional(),
      /** Tables beside the one with the rows: those that refer to it. */
      tables: z.array(identifier).default([]),
      /** Sequences that give new rows their id. Where rows are seeded: `<table>_<id>_seq`, as PostgreSQL names it. */
      sequences: z.array(identifier).optional(),
    })
    .optional(),
});

const studio = z.strictObject({
  enabled: z.boolean().default(true),
  name: dnsName.default("llmctl-studio"),
  images: z.strictObject({ embedded: image, "in-cluster": image }).optional(),
  port: port.default(8080),
  replicas: replicas.default(1),
  env: env.default({}),
  /** An account that exists already; else one is made. */
  serviceAccount: objectName.optional(),
  rolloutSeconds: z.int().positive().optional(),
  resources: resources.optional(),
  writable: z.array(absolutePath).default([]),
  protocols: protocols.optional(),
});

const rowCondition = z
  .strictObject({
    column: identifier,
    operator: z.enum(["=", "<>", "is null", "is not null"]),
    /** Compared with the column as text. */
    value: z.string().optional(),
  })
  .refine(
    ({ operator, value }) => operator.startsWith("is ") === (value === undefined),
    "must have a value with = and <>, and none with is null and is not null",
  );

const table = z.strictObject({
  schema: identifier.default("public"),
  table: identifier.default("mcp_servers"),
  key: z.array(identifier).min(1).default(["server_key"]),
  /** Where one server has many rows, its users' own: the column that holds the server's key. */
  match: identifier.optional(),
  /** False where the table has none. */
  id: z.union([identifier, z.literal(false)]).default("id"),
  config: identifier.default("config_json"),
  /** False where every row is the application's own. */
  type: z
    .union([z.strictObject({ column: identifier, value: z.string() }), z.literal(false)])
    .default({ column: "server_type", value: "integrated" }),
  /** A column of numbers with what it counts since 1970. False where the table has none. */
  updatedAt: z
    .union([
      identifier,
      z.strictObject({ column: identifier, unit: z.enum(["seconds", "milliseconds"]) }),
      z.literal(false),
    ])
    .default("updated_at"),
  /** Other rows do not exist for the cutover. */
  where: z.array(rowCondition).default([]),
});

const softReference = z.strictObject({
  table: identifier,
  where: z.string().min(1),
  column: identifier,
  format: z.literal("comma-separated").default("comma-separated"),
});

const cutover = z.strictObject({
  enabled: z.boolean().default(true),
  /** Identity in the ledger. @default "<project>/<stack>" */
  name: z.string().min(1).optional(),
  table: table.prefault({}),
  skip: z.array(z.string()).default([]),
  softReferences: z.array(softReference).default([
    {
      table: "integration_settings",
      where: "provider = 'chat' AND key = 'default_mcp_server_ids'",
      column: "value",
      format: "comma-separated",
    },
  ]),
  onConflict: z.enum(["fail", "keep", "force"]).default("fail"),
  fence: z.boolean().default(true),
  timeouts: z
    .strictObject({ lockSeconds: seconds.optional(), statementSeconds: seconds.optional() })
    .optional(),
  maxRows: z.int().positive().optional(),
  /** A user's own row under an alias of a server: its references move to the application's own row, and it goes. */
  customAliases: z.enum(["refuse", "merge"]).default("refuse"),
  /** A superuser's rights are lent to code of the table's owner while rows are written. */
  allowSuperuser: z.boolean().default(false),
  /** A publication sends ledger and journal to its subscribers, old credentials among them. */
  allowPublications: z.boolean().default(false),
  /** How long old pods may take to go after the rollout, in seconds. */
  settleSeconds: seconds.optional(),
});

const probe = z.strictObject({
  from: z.enum(["cluster", "here"]).default("cluster"),
  image: image.optional(),
  imagePullSecrets: z.array(objectName).optional(),
  deadlineSeconds: seconds.optional(),
});

/** Places a stack may use, or may not. */
const places = z.strictObject({
  contexts: z.array(z.string()).default([]),
  /** UID of the namespace kube-system, or a range that the nodes' addresses lie in. */
  clusters: z
    .array(
      z.union([
        z.uuid('must be the UID of kube-system, or a range of addresses like "10.20.0.0/24"'),
        cidr,
      ]),
    )
    .default([]),
  namespaces: z.array(z.string()).default([]),
});

/**
 * Everything a stack may set that is not a secret. Pulumi.yaml, the reference and the JSON Schema of stack files are made
 * of it (`npm run docs`). The engine takes no optional key, so an empty mesh or shared stands for none.
 */
export const stackSchema = z.strictObject({
  target: z
    .enum(["in-cluster", "embedded"])
    .default("embedded")
    .meta({
      description:
        'Where the application\'s rows point - "in-cluster" to the servers deployed here, "embedded" to those in the application\'s image. Setting it back to "embedded" is the rollback.',
      examples: ["in-cluster"],
    }),
  application: dnsName.default("llmctl-studio").meta({
    description: "Name of the application; label app.kubernetes.io/part-of of every object.",
    examples: ["llmctl-studio"],
  }),
  namespace: dnsName.meta({
    description:
      "Namespace of the application and its MCP servers. Empty stands for none - shared.outputs.namespace takes it from another stack.",
    examples: ["tools"],
  }),
  createNamespace: z
    .boolean()
    .default(true)
    .meta({
      description: 'Whether the namespace is made here, with Pod Security "restricted" enforced.',
      examples: [false],
    }),
  servers: z.record(dnsName, serverSchema).default({}).meta({
    description:
      "MCP servers by key. A key of the catalog needs an image at most, a server of its own image and port. Every key of a server is explained in docs/reference/configuration.md.",
  }),
  deferred: z
    .array(z.string())
    .default(["google-workspace"])
    .meta({ description: "Keys of integrated rows that stay as they are." }),
  consumers: z.array(consumer).default([]).meta({
    description:
      "Pods beside the application's web pods that call the servers - name, labels, serviceAccount. They are let in by NetworkPolicy and are probed from.",
  }),
  database: database.prefault({}).meta({
    description:
      "How the database of the rows is reached, and whether the cutover gets a role of its own.",
  }),
  studio: studio
    .prefault({})
    .meta({ description: "The application: its images for both targets, and how it runs." }),
  cutover: cutover.prefault({}).meta({
    description: "The rewrite of the rows: their table, what counts as a conflict, the fence.",
  }),
  probe: probe.prefault({}).meta({
    description:
      "The proof before the rewrite: from where servers are asked, and with which image.",
  }),
  network: network.prefault({}).meta({
    description:
      "Which pods are closed by default, and what NetworkPolicies have to know of the cluster.",
  }),
  mesh: z
    .preprocess((value) => (isEmpty(value) ? undefined : value), mesh.optional())
    .meta({
      description: "An MCP Mesh: its registry and its agents by name. Empty - there is none.",
    }),
  shared: z
    .preprocess((value) => (isEmpty(value) ? undefined : value), shared.optional())
    .meta({
      description:
        "What is taken from another stack: its full name, and its outputs for namespace, databaseUrl and studioSecrets. Empty - nothing.",
    }),
  observability: observability
    .prefault({})
    .meta({ description: "What Prometheus and Grafana are told, and the pods that measure." }),
  manager: manager
    .prefault({})
    .meta({ description: "The pod through which MCP clients start, stop and scale the servers." }),
  allowed: places.prefault({}).meta({
    description:
      "Guard - contexts, clusters and namespaces this stack may use. A cluster is the UID of its namespace kube-system, or a range that its nodes' addresses lie in. Empty lists allow anything.",
  }),
  forbidden: places
    .prefault({})
    .meta({ description: "The same lists for what this stack may not use." }),
  imagePullSecrets: z
    .array(objectName)
    .default([])
    .meta({ description: "Names of Secrets with registry credentials." }),
  allowLatest: z
    .boolean()
    .default(false)
    .meta({
      description: "Whether an image without a fixed version is accepted.",
      examples: [true],
    }),
});

/** A stack's configuration, defaults filled in. */
export type StackSettings = z.infer<typeof stackSchema>;

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
