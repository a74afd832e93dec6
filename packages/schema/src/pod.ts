import { isIP } from "node:net";

import { z } from "zod";

import { pods } from "./egress";
import { absolutePath, dnsName, labels, objectName, port, resources, size, text } from "./fields";
import { serverEnv } from "./server-env";

/** What a process asks for where nothing is said. */
export const defaultResources = {
  requests: { cpu: "50m", memory: "128Mi" },
  limits: { cpu: "1", memory: "512Mi" },
};

/** User and group of a process where nothing is said: nobody's. */
export const defaultUser = 65532;

const kindsOfVolume = ["claim", "configMap", "secret", "emptyDir"] as const;

/** Storage that the pod brings: exactly one kind of it. */
const volume = z
  .strictObject({
    mount: absolutePath.optional(),
    readOnly: z.boolean().optional(),
    subPath: z.string().min(1).optional(),
    claim: objectName.optional(),
    configMap: objectName.optional(),
    secret: objectName.optional(),
    emptyDir: z
      .strictObject({ sizeLimit: size.optional(), memory: z.boolean().optional() })
      .optional(),
  })
  .refine(
    (value) => kindsOfVolume.filter((kind) => value[kind] !== undefined).length === 1,
    `must have exactly one of ${kindsOfVolume.join(", ")}`,
  );

/** Another container of the pod, hardened like the server. */
const container = z.strictObject({
  name: dnsName.refine((name) => name !== "mcp-server", "is the server's own name"),
  image: z.string().min(1),
  command: z.array(text).optional(),
  args: z.array(text).optional(),
  env: serverEnv.default({}),
  resources: resources.default(defaultResources),
  writable: z.array(absolutePath).default([]),
  /** Name of a volume of the server -> where it is in this container. */
  mounts: z.record(dnsName, absolutePath).default({}),
});

const extraPort = z.union([
  port.transform((number) => ({ port: number, from: [] })),
  z.strictObject({ port, from: z.array(pods).default([]) }),
]);

/** A ServiceAccount that exists, or rights for the one that is made here. */
const account = z.union([
  objectName,
  z.strictObject({
    annotations: labels.optional(),
    rules: z
      .array(
        z.strictObject({
          apiGroups: z.array(z.string()).default([""]),
          resources: z.array(z.string().min(1)).min(1),
          resourceNames: z.array(z.string().min(1)).optional(),
          verbs: z.array(z.string().min(1)).min(1),
        }),
      )
      .min(1, "must name a right, or be left out")
      .optional(),
  }),
]);

/** What a server's pod has beside the server. */
export const pod = {
  user: z
    .int()
    .positive("must be above 0: no server runs as root")
    .default(defaultUser)
    .meta({ description: "User id of the process.", examples: [1000] }),
  group: z
    .int()
    .positive("must be above 0: no server runs as root")
    .optional()
    .meta({
      description: "Group id of the process and of its files. Default: as user.",
      examples: [1000],
    }),
  writable: z
    .array(absolutePath)
    .default([])
    .meta({
      description:
        "Directories the process writes to beside /tmp; what is in them goes with the pod. The rest of its file system is read-only.",
      examples: [["/home/node/.cache"]],
    }),
  volumes: z
    .record(dnsName, volume)
    .default({})
    .meta({
      description:
        "Storage by name: a claim, a ConfigMap, a Secret or an emptyDir, and where the server has it (mount).",
      examples: [{ data: { claim: "tools-data", mount: "/data" } }],
    }),
  ports: z
    .record(
      dnsName.max(15, "must have 15 characters at most").refine((name) => name !== "http", {
        message: "is the name of the port that serves MCP",
      }),
      extraPort,
    )
    .default({})
    .meta({
      description:
        "Other ports of the server by name, with the pods that may call them (from); nobody may where none are named.",
      examples: [{ metrics: { port: 9090, from: [{ namespace: "monitoring" }] } }],
    }),
  sidecars: z
    .array(container)
    .default([])
    .meta({
      description:
        "Containers that start before the server and end after it (native sidecars), such as a database's proxy.",
      examples: [
        [
          {
            name: "cloud-sql-proxy",
            image: "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.18.0",
            args: ["--port=5432", "project:region:database"],
          },
        ],
      ],
    }),
  initContainers: z
    .array(container)
    .default([])
    .meta({
      description: "Containers that run to their end before the server starts, in this order.",
      examples: [
        [
          {
            name: "migrate",
            image: "registry.example.com/tools:1.2.3",
            args: ["migrate"],
            mounts: { data: "/data" },
          },
        ],
      ],
    }),
  hostAliases: z
    .array(
      z.strictObject({
        ip: z
          .string()
          .refine((value) => isIP(value) !== 0, "must be an IP address")
          .meta({ examples: ["10.0.0.1"] }),
        hostnames: z.array(z.string().min(1)).min(1, "must name a host"),
      }),
    )
    .default([])
    .meta({
      description: "Lines of the pods' /etc/hosts.",
      examples: [[{ ip: "10.0.0.1", hostnames: ["db.example.com"] }]],
    }),
  podLabels: labels.default({}).meta({
    description: "Further labels of the pods.",
    examples: [{ "example.com/cost-center": "tools" }],
  }),
  podAnnotations: labels.default({}).meta({
    description: "Further annotations of the pods.",
    examples: [{ "prometheus.io/scrape": "true" }],
  }),
  serviceAccount: account.optional().meta({
    description:
      "An account that exists, by name; or annotations of the server's own, and what it may do in its namespace by the Kubernetes API (rules). Only with rules has a pod a token.",
    examples: [{ rules: [{ resources: ["pods", "pods/log"], verbs: ["get", "list"] }] }],
  }),
};

/** Another container of a server's pod. */
export type ExtraContainer = z.output<typeof container>;
/** Storage of a server's pod. */
export type ServerVolume = z.output<typeof volume>;
