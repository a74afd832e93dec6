import { isIP } from "node:net";

import { z } from "zod";

import { pods } from "./egress";
import {
  annotations,
  dnsName,
  image,
  labelKey,
  labels,
  mountPath,
  objectName,
  port,
  resources,
  size,
  text,
  userId,
} from "./fields";
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
    mount: mountPath.optional(),
    readOnly: z.boolean().optional(),
    subPath: z
      .string()
      .regex(/^[^/]/, "must be a path within the volume")
      .refine((path) => !path.split("/").includes(".."), "must not lead out of the volume")
      .optional(),
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
  // Volumes are named after it.
  name: dnsName
    .max(50, "must have 50 characters at most")
    .refine((name) => name !== "mcp-server", "is the server's own name"),
  image,
  command: z.array(text).optional(),
  args: z.array(text).optional(),
  env: serverEnv.default({}),
  resources: resources.default(defaultResources),
  writable: z.array(mountPath).default([]),
  /** Name of a volume of the server -> where it is in this container. */
  mounts: z.record(dnsName, mountPath).default({}),
});

const extraPort = z.union([
  port.transform((number) => ({ port: number, from: [] })),
  z.strictObject({ port, from: z.array(pods).default([]) }),
]);

const apiGroup = z
  .string()
  .regex(/^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$/, "must be an API group in full, like apps");
const kindOfObject = z
  .string()
  .regex(
    /^[a-z0-9.-]+(\/[a-z]+)?$/,
    "must be a resource like pods or pods/log; not all of them (*)",
  )
  .meta({ examples: ["pods"] });
/** With these verbs, and with all of them, the account has every right that anybody has in the namespace. */
const verb = z
  .string()
  .regex(/^[a-z]+$/, "must be a verb like get; not all of them (*)")
  .refine(
    (name) => !["escalate", "bind", "impersonate"].includes(name),
    "must not be escalate, bind or impersonate: they give every right that somebody has",
  )
  .meta({ examples: ["get"] });

const hostname = z
  .string()
  .max(253, "must have 253 characters at most")
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    "must be a host name in lower case",
  )
  .meta({ examples: ["db.example.com"] });

/** What selectors, policies and commands know a pod by is not a stack's to say. */
const ownLabel =
  /^(mcp-fleet\.dev\/.*|app\.kubernetes\.io\/(name|component|part-of|managed-by|version)|pod-template-hash)$/;
const podLabels = z.record(
  labelKey.refine((key) => !ownLabel.test(key), "must not be one that is set by itself"),
  labels.valueType,
);

const appArmor = "container.apparmor.security.beta.kubernetes.io/";
const podAnnotations = annotations.refine(
  (all) =>
    Object.entries(all).every(
      ([key, value]) =>
        !key.startsWith(appArmor) || value === "runtime/default" || value.startsWith("localhost/"),
    ),
  "must not take AppArmor's profile away",
);

/** A ServiceAccount that exists, or rights for the one that is made here. */
const account = z.union([
  objectName.refine(
    (name) => name !== "default",
    "must be an account of its own: any pod of the namespace may run as its default one",
  ),
  z.strictObject({
    annotations: annotations.optional(),
    rules: z
      .array(
        z.strictObject({
          apiGroups: z.array(apiGroup).default([""]),
          resources: z.array(kindOfObject).min(1),
          resourceNames: z.array(z.string().min(1)).optional(),
          verbs: z.array(verb).min(1),
        }),
      )
      .min(1, "must name a right, or be left out")
      .optional(),
  }),
]);

/** What a server's pod has beside the server. */
export const pod = {
  user: userId
    .default(defaultUser)
    .meta({ description: "User id of the process.", examples: [1000] }),
  group: userId.optional().meta({
    description: "Group id of the process and of its files. Default: as user.",
    examples: [1000],
  }),
  writable: z
    .array(mountPath)
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
      dnsName
        .max(15, "must have 15 characters at most")
        .refine((name) => !name.includes("--"), "must not have two dashes in a row")
        .refine((name) => name !== "http", "is the name of the port that serves MCP"),
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
        hostnames: z.array(hostname).min(1, "must name a host"),
      }),
    )
    .refine(
      (lines) => new Set(lines.map(({ ip }) => ip)).size === lines.length,
      "must name each address once, with all of its hostnames",
    )
    .default([])
    .meta({
      description: "Lines of the pods' /etc/hosts.",
      examples: [[{ ip: "10.0.0.1", hostnames: ["db.example.com"] }]],
    }),
  podLabels: podLabels.default({}).meta({
    description: "Further labels of the pods.",
    examples: [{ "example.com/cost-center": "tools" }],
  }),
  podAnnotations: podAnnotations.default({}).meta({
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
