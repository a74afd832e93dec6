import { isIP } from "node:net";

import { z } from "zod";

import { account } from "./account";
import { container } from "./container";
import { pods } from "./egress";
import { annotations, dnsName, labelKey, labels, mountPath, port, userId } from "./fields";
import { volume } from "./volume";

/** The default user and group of a process: `nobody`. */
export const defaultUser = 65532;
/** How long a terminating pod still serves, in seconds, so that no client meets a closed port. */
export const drainSeconds = 5;

const extraPort = z.union([
  port.transform((number) => ({ port: number, from: [] })),
  z.strictObject({
    port: port.meta({ description: "The port it listens on, by TCP.", examples: [9090] }),
    from: z
      .array(pods)
      .default([])
      .meta({
        description: "Pods that may call it. Default: none.",
        examples: [[{ namespace: "monitoring" }]],
      }),
  }),
]);

const hostname = z
  .string()
  .max(253, "must have 253 characters at most")
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    "must be a host name in lower case",
  )
  .meta({ examples: ["db.example.com"] });

/** Labels that selectors, policies and commands use to find a pod. A stack may not set them. */
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
  "must not remove the AppArmor profile",
);

/** The settings of a server's pod besides the server itself. */
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
        "Directories the process writes to besides /tmp; their content has the pod's lifetime. The rest of its file system is read-only.",
      examples: [["/home/node/.cache"]],
    }),
  volumes: z
    .record(dnsName, volume)
    .default({})
    .meta({
      description:
        "Storage by name: a claim, a claim for each pod (claimTemplate), a ConfigMap, a Secret or an emptyDir, and where the server has it (mount).",
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
        "Other ports of the server by name, with the pods that may call them (from); none are allowed by default.",
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
          .meta({ description: "The address of the hosts.", examples: ["10.0.0.1"] }),
        hostnames: z
          .array(hostname)
          .min(1, "must name a host")
          .meta({ description: "Names for the address.", examples: [["db.example.com"]] }),
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
    examples: [{ "example.com/owner": "tools-team" }],
  }),
  serviceAccount: account.optional().meta({
    description:
      "An account that exists, by name; or annotations of the server's own, and what it may do in its namespace by the Kubernetes API (rules). Only with rules has a pod a token.",
    examples: [{ rules: [{ resources: ["pods", "pods/log"], verbs: ["get", "list"] }] }],
  }),
};
