import { z } from "zod";

import { egress } from "./egress";
import { dnsName, identifier, image, port, replicas, resources, seconds, tls } from "./fields";
import { operations } from "./operations";
import { serverEnv } from "./server-env";

/** What a registry keeps its data in where nothing of it is made here; all that a chart can do. */
export const givenStorage = z.union([
  z.strictObject({
    sqlite: z.strictObject({
      size: z.string().regex(/^\d+(Ki|Mi|Gi|Ti)$/, 'must be a size such as "1Gi"'),
      storageClass: dnsName.optional(),
    }),
  }),
  /** A database that exists; the Secret's key holds its URL. */
  z.strictObject({
    postgresql: z.strictObject({
      secret: dnsName,
      key: z.string().min(1).default("DATABASE_URL"),
      port: port.default(5432),
    }),
  }),
]);

const storage = z.union([
  ...givenStorage.options,
  /** A database, a role and their Secret, made by the login of the secret meshDatabaseUrl. */
  z.strictObject({
    managed: z.strictObject({
      database: identifier.default("mcp_mesh"),
      role: identifier.default("mcp_mesh_registry"),
      tls: tls.default("verify-full"),
      /** Where the registry's pod reaches the server. @default as in meshDatabaseUrl */
      address: z.strictObject({ host: z.string().min(1), port: port.default(5432) }).optional(),
    }),
  }),
]);

/** The registry of a mesh; the values of charts/mcp-registry are checked by it too. */
export const registry = z.strictObject({
  name: dnsName.default("mcp-registry"),
  image,
  port: port.default(8000),
  storage: storage.prefault({ sqlite: { size: "1Gi" } }),
  healthCheckSeconds: z.int().positive().optional(),
  agentTimeoutSeconds: z.int().positive().optional(),
  logLevel: z.enum(["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"]).optional(),
  env: z.record(z.string(), z.string()).optional(),
  resources: resources.optional(),
});

const capability = z.strictObject({
  name: z.string().min(1),
  version: z.string().optional(),
  tags: z.array(z.string()).optional(),
});

/** An agent of a mesh; the values of charts/mcp-agent are checked by it too. */
export const agent = z.strictObject({
  image,
  /** Its name in the mesh. @default the key */
  agentName: dnsName.optional(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  port: port.default(8080),
  capabilities: z.array(capability).optional(),
  dependencies: z.array(z.string().min(1)).optional(),
  advertise: z.enum(["service", "pod"]).optional(),
  env: serverEnv.optional(),
  secret: dnsName.optional(),
  replicas: replicas.optional(),
  startSeconds: seconds.optional(),
  resources: resources.optional(),
  egress: egress.optional(),
  user: z.int().positive().optional(),
  ...{
    autoscaling: operations.autoscaling,
    disruptionBudget: operations.disruptionBudget,
    spreadOver: operations.spreadOver,
  },
});

/** What is otherwise for one service: each part stands whole in the place of the mesh's own. */
const serviceTraffic = z.strictObject({
  timeoutSeconds: seconds.optional(),
  retries: z.strictObject({ attempts: z.int().min(0), perTrySeconds: seconds }).optional(),
  outlier: z
    .strictObject({
      consecutiveErrors: z.int().min(1),
      intervalSeconds: seconds,
      ejectionSeconds: seconds,
    })
    .optional(),
});

/** What the cluster's service mesh is told; the defaults suit tool calls of up to half a minute. */
const serviceMesh = z.strictObject({
  kind: z.enum(["istio", "linkerd"]),
  /** Whether pods of the mesh ask for the service mesh's proxy; false where their namespace does, or there is none. */
  inject: z.boolean().default(true),
  /** Where its control plane is, which proxies call. Default: istio-system or linkerd. */
  controlPlaneNamespace: dnsName.optional(),
  timeoutSeconds: seconds.default(30),
  retries: z
    .strictObject({ attempts: z.int().min(0).default(2), perTrySeconds: seconds.default(10) })
    .prefault({}),
  outlier: z
    .strictObject({
      consecutiveErrors: z.int().min(1).default(5),
      intervalSeconds: seconds.default(10),
      ejectionSeconds: seconds.default(30),
    })
    .prefault({}),
  /** By agent, or the registry's name. */
  services: z.record(dnsName, serviceTraffic).default({}),
});

/** An MCP Mesh: a registry and its agents. */
export const mesh = z.strictObject({
  /** Whether the definition of MCPAgent objects is made here: once in a cluster. */
  defineAgents: z.boolean().default(true),
  registry,
  agents: z.record(dnsName, agent).default({}),
  serviceMesh: serviceMesh.optional(),
});

export type MeshSettings = z.infer<typeof mesh>;
