import { z } from "zod";

import {
  absolutePath,
  dnsName,
  env,
  image,
  objectName,
  port,
  replicas,
  someLabels,
  variable,
} from "./fields";
import { protocols } from "./protocols";
import { resources } from "./resources";
import { authority } from "./tls";

/** Pods that call the servers besides the application's web pods. */
export const consumer = z.strictObject({
  name: dnsName.meta({
    description: "What messages and probe Jobs call them.",
    examples: ["executor"],
  }),
  labels: someLabels.meta({
    description:
      "Labels of the pods: NetworkPolicies select by them, and the probe's pods have them.",
    examples: [{ "app.kubernetes.io/component": "executor" }],
  }),
  serviceAccount: objectName.optional().meta({
    description:
      "ServiceAccount that the probe's pods run as in their place. Default: the namespace's own.",
    examples: ["executor"],
  }),
  protocols: protocols.optional().meta({
    description:
      "MCP protocol versions that they speak, so the probe offers. Default: those with a handshake, the newest 2025-11-25.",
    examples: [["2025-06-18", "2025-11-25"]],
  }),
});

/** The application, and how it runs. */
export const studio = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .meta({ description: "Whether this stack deploys it.", examples: [true] }),
  name: dnsName.default("llmctl-studio").meta({
    description: "Name of its Deployment, Service and ServiceAccount.",
    examples: ["llmctl-studio"],
  }),
  images: z
    .strictObject({
      embedded: image.meta({
        description: "The image that brings the servers itself.",
        examples: ["registry.example.com/studio:1.9.0"],
      }),
      "in-cluster": z
        .string()
        .min(1)
        .meta({
          description: "The image that calls the servers deployed here.",
          examples: ["registry.example.com/studio:2.0.0"],
        }),
    })
    .optional()
    .meta({
      description: "Its image for each target. Needed where it is enabled.",
      examples: [
        {
          embedded: "registry.example.com/studio:1.9.0",
          "in-cluster": "registry.example.com/studio:2.0.0",
        },
      ],
    }),
  port: port
    .default(8080)
    .meta({ description: "The port it listens on, passed as PORT.", examples: [8080] }),
  replicas: replicas.default(1).meta({ description: "Pods.", examples: [2] }),
  env: env.default({}).meta({
    description: "Variables that are no secret, kept in a ConfigMap.",
    examples: [{ LOG_LEVEL: "info" }],
  }),
  serviceAccount: objectName.optional().meta({
    description: "An existing account. Default: one is created, named as studio.name.",
    examples: ["studio"],
  }),
  rolloutSeconds: z
    .int()
    .positive()
    .optional()
    .meta({
      description:
        "How long its rollout may go on without progress before it fails, in seconds. Default 600.",
      examples: [900],
    }),
  resources: resources.optional().meta({
    description:
      "Requests and limits of its container. Default: 50m to 2 CPUs, 256Mi to 1Gi of memory.",
    examples: [{ requests: { cpu: "500m", memory: "1Gi" }, limits: { memory: "4Gi" } }],
  }),
  writable: z
    .array(absolutePath)
    .default([])
    .meta({
      description: "Directories it writes to besides /tmp; their content has the pod's lifetime.",
      examples: [["/app/data"]],
    }),
  protocols: protocols.optional().meta({
    description: "MCP protocol versions that it speaks. Default: as a consumer's.",
    examples: [["2025-06-18", "2025-11-25"]],
  }),
  trust: z
    .union([
      z.literal(false),
      z.strictObject({
        ca: authority.optional().meta({
          description:
            "The bundle that is mounted. Default: the one that the servers' tls.ca name.",
          examples: [{ configMap: "corp-ca", key: "ca.crt" }],
        }),
        variables: z
          .array(variable)
          .min(1, "must name a variable")
          .refine((names) => new Set(names).size === names.length, "must name each variable once")
          .default(["NODE_EXTRA_CA_CERTS"])
          .meta({
            description:
              "Variables with the path of the mounted file. Node.js trusts NODE_EXTRA_CA_CERTS in addition to the public authorities; what SSL_CERT_FILE and REQUESTS_CA_BUNDLE name takes their place. One that studio.env or studioSecrets has keeps its value.",
            examples: [["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"]],
          }),
      }),
    ])
    .prefault({})
    .meta({
      description:
        "How it comes to trust servers with tls.ca, at target in-cluster. false: it does by itself.",
      examples: [{ variables: ["NODE_EXTRA_CA_CERTS"] }],
    }),
});
