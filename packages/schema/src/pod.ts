import { isIP } from "node:net";

import { z } from "zod";

import { account } from "./account";
import { container } from "./container";
import { pods } from "./egress";
import { absolutePath, dnsName, labels, port } from "./fields";
import { volume } from "./volume";

/** User and group of a process where nothing is said: nobody's. */
export const defaultUser = 65532;

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
          .meta({ description: "The address of the hosts.", examples: ["10.0.0.1"] }),
        hostnames: z
          .array(z.string().min(1))
          .min(1, "must name a host")
          .meta({ description: "Names for the address.", examples: [["db.example.com"]] }),
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
    examples: [{ "example.com/owner": "tools-team" }],
  }),
  serviceAccount: account.optional().meta({
    description:
      "An account that exists, by name; or annotations of the server's own, and what it may do in its namespace by the Kubernetes API (rules). Only with rules has a pod a token.",
    examples: [{ rules: [{ resources: ["pods", "pods/log"], verbs: ["get", "list"] }] }],
  }),
};
