import { z } from "zod";

import { cutover } from "./cutover";
import { database } from "./database";
import { cidr, dnsName, image, objectName, seconds } from "./fields";
import { manager } from "./manager";
import { mesh } from "./mesh";
import { network } from "./network";
import { observability } from "./observability";
import { serverSchema } from "./server";
import { shared } from "./shared";
import { consumer, studio } from "./studio";
import { verifyImages } from "./verify-images";

const probe = z.strictObject({
  from: z
    .enum(["cluster", "here"])
    .default("cluster")
    .meta({
      description:
        "cluster: a Job with the labels of each consumer asks; here: the process that runs the program.",
      examples: ["cluster"],
    }),
  image: image.optional().meta({
    description: "The image built from images/probe. Needed with from: cluster.",
    examples: ["registry.example.com/mcp-probe:0.1.0"],
  }),
  imagePullSecrets: z
    .array(objectName)
    .optional()
    .meta({
      description: "Secrets with the registry's login for that image. Default: the stack's.",
      examples: [["regcred"]],
    }),
  deadlineSeconds: seconds.optional().meta({
    description:
      "How long all servers may take to pass or fail, in seconds. Default 60, or the longest requestSeconds of a server.",
    examples: [120],
  }),
});

/** Clusters and namespaces that a stack may or may not use. */
const places = z.strictObject({
  contexts: z
    .array(z.string())
    .default([])
    .meta({ description: "Contexts of the kubeconfig.", examples: [["prod"]] }),
  clusters: z
    .array(
      z.union([
        z.uuid('must be the UID of kube-system, or a range of addresses like "10.20.0.0/24"'),
        cidr,
      ]),
    )
    .default([])
    .meta({
      description:
        "Clusters: the UID of the namespace kube-system, or a range that the nodes' addresses lie in.",
      examples: [["10.20.0.0/24"]],
    }),
  namespaces: z
    .array(z.string())
    .default([])
    .meta({ description: "Namespaces.", examples: [["tools"]] }),
});

/**
 * Everything a stack may set except secrets. Pulumi.yaml, the reference and the JSON Schema of stack files are
 * generated from it (`npm run docs`). The engine has no optional keys, so an empty `mesh` or `shared` means
 * none.
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
      description:
        'Whether the namespace is made here, with Pod Security "restricted" enforced. A destroy leaves it there where a server has a claimTemplate.',
      examples: [true],
    }),
  servers: z
    .record(dnsName, serverSchema)
    .default({})
    .meta({
      description:
        "MCP servers by key. A key of the catalog needs an image at most, a server of its own image and port. Every key of a server is explained in docs/reference/configuration.md.",
      examples: [{ tools: { image: "registry.example.com/tools-mcp:1.2.3", port: 8000 } }],
    }),
  deferred: z
    .array(z.string())
    .default(["google-workspace"])
    .meta({
      description: "Keys of integrated rows that stay as they are.",
      examples: [["google-workspace"]],
    }),
  consumers: z
    .array(consumer)
    .default([])
    .meta({
      description:
        "Pods beside the application's web pods that call the servers - name, labels, serviceAccount. They are let in by NetworkPolicy and are probed from. In a namespace that is closed as a whole (network.isolate: namespace, the default where the stack makes it) they may call name servers and MCP servers, and nothing else unless a NetworkPolicy of yours says so.",
      examples: [[{ name: "executor", labels: { "app.kubernetes.io/component": "executor" } }]],
    }),
  database: database.prefault({}).meta({
    description:
      "How the database of the rows is reached, and whether the cutover gets a role of its own.",
    examples: [{ connect: "direct", tls: "verify-full" }],
  }),
  studio: studio.prefault({}).meta({
    description: "The application: its images for both targets, and how it runs.",
    examples: [
      {
        images: {
          embedded: "registry.example.com/studio:1.9.0",
          "in-cluster": "registry.example.com/studio:2.0.0",
        },
      },
    ],
  }),
  cutover: cutover.prefault({}).meta({
    description: "The rewrite of the rows: their table, what counts as a conflict, the fence.",
    examples: [{ enabled: false }],
  }),
  probe: probe.prefault({}).meta({
    description:
      "The proof before the rewrite: from where servers are asked, and with which image.",
    examples: [{ image: "registry.example.com/mcp-probe:0.1.0", deadlineSeconds: 120 }],
  }),
  network: network.prefault({}).meta({
    description:
      "Which pods are closed by default, and what NetworkPolicies have to know of the cluster.",
    examples: [{ isolate: "fleet" }],
  }),
  mesh: z
    .preprocess((value) => (isEmpty(value) ? undefined : value), mesh.optional())
    .meta({
      description: "An MCP Mesh: its registry and its agents by name. Empty - there is none.",
      examples: [
        {
          registry: { image: "mcpmesh/registry:3.6.0" },
          agents: { greeter: { image: "registry.example.com/agents/greeter:1.0.0" } },
        },
      ],
    }),
  shared: z
    .preprocess((value) => (isEmpty(value) ? undefined : value), shared.optional())
    .meta({
      description:
        "What is taken from another stack: its full name, and its outputs for namespace, databaseUrl and studioSecrets. Empty - nothing.",
      examples: [{ stack: "organization/project/stack", outputs: { namespace: "namespace" } }],
    }),
  observability: observability.prefault({}).meta({
    description: "What Prometheus and Grafana are told, and the pods that measure.",
    examples: [{ enabled: true, labels: { release: "kube-prometheus-stack" } }],
  }),
  manager: manager.prefault({}).meta({
    description: "The pod through which MCP clients start, stop and scale the servers.",
    examples: [{ enabled: true, image: "registry.example.com/mcp-fleet:0.1.0" }],
  }),
  allowed: places.prefault({}).meta({
    description:
      "Guard - contexts, clusters and namespaces this stack may use. A cluster is the UID of its namespace kube-system, or a range that its nodes' addresses lie in. Empty lists allow anything.",
    examples: [{ contexts: ["prod"], namespaces: ["tools"] }],
  }),
  forbidden: places.prefault({}).meta({
    description: "The same lists for what this stack may not use.",
    examples: [{ clusters: ["10.30.0.0/24"] }],
  }),
  imagePullSecrets: z
    .array(objectName)
    .default([])
    .meta({ description: "Names of Secrets with registry credentials.", examples: [["regcred"]] }),
  verifyImages: verifyImages.prefault({}).meta({
    description:
      "Whose signatures the images need. They are checked before anything is made, and pods run the digest that was checked.",
    examples: [
      {
        rules: [
          {
            images: ["ghcr.io/acme/*"],
            keyless: {
              issuer: "https://token.actions.githubusercontent.com",
              identity:
                "https://github.com/acme/images/.github/workflows/release.yml@refs/heads/main",
            },
          },
        ],
      },
    ],
  }),
  allowLatest: z
    .boolean()
    .default(false)
    .meta({
      description: "Whether an image without a fixed version is accepted.",
      examples: [false],
    }),
});

/** A stack's configuration with all defaults applied. */
export type StackSettings = z.infer<typeof stackSchema>;

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
