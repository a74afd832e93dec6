import { z } from "zod";

import { code } from "./code";
import { defaultResources } from "./container";
import { egress } from "./egress";
import {
  dnsName,
  image,
  mcpPath,
  mountPath,
  objectName,
  port,
  replicas,
  seconds,
  text,
  wholeSeconds,
} from "./fields";
import { fileSource } from "./files";
import { gate } from "./gate";
import { headers } from "./headers";
import { health, probes } from "./health";
import { operations } from "./operations";
import { pod } from "./pod";
import { resources } from "./resources";
import { row } from "./row";
import { secret } from "./secret";
import { serverEnv } from "./server-env";
import { tls } from "./tls";
import { tools } from "./tools";

/**
 * The only description of a server: what a stack may say, the defaults, and the input of its component. A
 * catalog entry is a part of it.
 */
export const serverSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .meta({ description: "false: the server is not deployed.", examples: [true] }),
  image: image.optional().meta({
    description: "The image, pinned by tag or digest. Required unless the catalog has one.",
    examples: ["ghcr.io/example/tools-mcp:1.2.3"],
  }),
  source: z
    .enum(["image", "bridge", "code", "shared"])
    .default("image")
    .meta({
      description:
        "What runs: an image that speaks MCP by itself; a stdio server behind the bridge (stdio); Python files (code); another workload's image with another command (shared).",
      examples: ["bridge"],
    }),
  command: z
    .array(text)
    .optional()
    .meta({
      description: "Replaces the image's entrypoint.",
      examples: [["python", "-m", "tools"]],
    }),
  args: z
    .array(text)
    .optional()
    .meta({
      description: "Replaces the image's command.",
      examples: [["--transport", "streamable-http", "--port", "8000"]],
    }),
  stdio: z
    .union([
      z.string().regex(/^[^\0]*[^\s\0][^\0]*$/, "must name a program"),
      z
        .array(text)
        .min(1, "must name a program")
        .refine(([name]) => name !== "", "must name a program"),
    ])
    .optional()
    .meta({
      description:
        "The stdio server behind the bridge: a command line as a shell reads it, or a list of its words.",
      examples: [["github-mcp-server", "stdio"]],
    }),
  code: code.optional().meta({
    description:
      "Python files that are served: a directory from where Pulumi.yaml is, or file names with their text; app is the ASGI application.",
    examples: [{ directory: "servers/clock", app: "server:app" }],
  }),
  name: dnsName.optional().meta({
    description:
      "Name of Deployment or StatefulSet, Service and ServiceAccount. Default: <key>-mcp.",
    examples: ["tools-mcp"],
  }),
  port: port.optional().meta({
    description: "The port it listens on. Needed unless the catalog knows it.",
    examples: [8000],
  }),
  path: mcpPath.default("/mcp").meta({
    description: "The path it serves MCP on; never one that redirects.",
    examples: ["/mcp"],
  }),
  tls: tls.optional().meta({
    description:
      "It serves TLS itself: its URLs are https ones, and who signed its certificate. {} for a public authority. Default: it serves plain HTTP.",
    examples: [{ ca: { configMap: "corp-ca", key: "ca.crt" } }],
  }),
  health: health.optional().meta({
    description:
      "How the kubelet checks liveness: a path that answers 200, tcp, a path with https, or a command (exec). Default: the bridge's own route, else tcp.",
    examples: ["/healthz"],
  }),
  startSeconds: seconds.default(60).meta({
    description: "How long its first start may take, in seconds.",
    examples: [120],
  }),
  requestSeconds: seconds.optional().meta({
    description:
      "How long one request of the probe with its answer may take, in seconds. Default: as startSeconds.",
    examples: [90],
  }),
  rolloutSeconds: wholeSeconds
    .positive()
    .optional()
    .meta({
      description:
        "How long a rollout may go on without progress before it fails, in seconds, image pull included. Default 600.",
      examples: [900],
    }),
  probes: probes.optional().meta({
    description: "Timings of the kubelet's probes, in seconds.",
    examples: [{ readiness: { periodSeconds: 10 } }],
  }),
  gate: gate.default("off").meta({
    description:
      "A sidecar that asks the server as its clients do, so that a pod is Ready only once it has answered MCP with the tools it must list. start: after each start of the server's process; always: every 10 seconds too; off: none. It runs probe.image.",
    examples: ["start", { check: "always", restartSeconds: 120 }],
  }),
  env: serverEnv.default({}).meta({
    description:
      "Variables: text, which may hold $(NAME) of another one; {secret, key} or {configMap, key} of an object that exists; {field} of the pod; {resource} of the container; or Kubernetes' own valueFrom.",
    examples: [
      {
        LOG_LEVEL: "info",
        PASSWORD: { secret: "tools-login", key: "password" },
        NAMESPACE: { field: "metadata.namespace" },
      },
    ],
  }),
  secret: secret.optional().meta({
    description:
      "A Secret whose keys become variables: one that exists, by name, or one that an operator makes.",
    examples: ["tools-login"],
  }),
  secretVersion: text
    .refine((value) => value !== "", "must not be empty")
    .optional()
    .meta({
      description:
        "Rolls the pods when it changes, for a Secret whose content is not the stack's. Default: of a Secret that External Secrets makes, its own version.",
      examples: ["2"],
    }),
  secretKeys: z
    .array(z.string())
    .default([])
    .meta({
      description: "Keys of that Secret, for the comparison with the credentials in the old row.",
      examples: [["API_TOKEN"]],
    }),
  files: z
    .record(mountPath, fileSource)
    .default({})
    .meta({
      description:
        "Absolute path -> key of the server's secrets, {secret, key} or {configMap, key}, for what is read from a file.",
      examples: [{ "/run/key.json": "GOOGLE_SERVICE_ACCOUNT_KEY_JSON" }],
    }),
  replicas: replicas.optional().meta({
    description: "Pods. Default 1, or the autoscaler's least.",
    examples: [2],
  }),
  strategy: z
    .enum(["rolling", "recreate"])
    .optional()
    .meta({
      description:
        "rolling: a new pod is ready before an old one stops; recreate: the old one stops first, for a volume that only one pod can use. Default rolling, and recreate with a writable claim. Not with a claimTemplate.",
      examples: ["recreate"],
    }),
  session: z
    .enum(["stateless", "stateful"])
    .default("stateless")
    .meta({
      description: "stateful: it keeps sessions in its process, so there is one pod of it.",
      examples: ["stateful"],
    }),
  auth: z
    .enum(["none", "per-request"])
    .default("none")
    .meta({
      description:
        "per-request: it requires credentials with every request, so the probe accepts its rejection as an answer.",
      examples: ["per-request"],
    }),
  headers: headers.default({}).meta({
    description:
      "Headers of the row and of the probe: text, {secret, key} of a Secret that exists, or {secretKey} of the server's own. A credential is never text.",
    examples: [
      {
        "X-Tenant": "studio",
        Authorization: { secret: "tools-token", key: "token", prefix: "Bearer " },
      },
    ],
  }),
  requiredTools: z
    .array(z.string())
    .default([])
    .meta({ description: "Tools that it must list.", examples: [["search"]] }),
  minTools: z
    .int()
    .min(0)
    .default(1)
    .meta({
      description: "How many tools it lists at least.",
      examples: [5],
    }),
  tools: tools.default("additions").meta({
    description:
      "How its tools are held against Pulumi.<stack>.tools.json, where that names it: additions lets new tools pass, exact does not, off compares nothing.",
    examples: ["exact"],
  }),
  resources: resources.default(defaultResources).meta({
    description: "Requests and limits of CPU, memory, ephemeral-storage and devices.",
    examples: [{ requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "512Mi" } }],
  }),
  egress: egress.default("dns").meta({
    description:
      "Where it may connect to: none, dns, cluster, internet; or a profile with ranges of addresses (to), pods and host names (fqdns).",
    examples: [{ profile: "dns", to: [{ cidr: "10.20.0.0/16", ports: [5432] }] }],
  }),
  database: z
    .boolean()
    .default(false)
    .meta({
      description: "Whether it reads the application's database, and so may connect to it.",
      examples: [true],
    }),
  ...pod,
  ...operations,
  imagePullSecrets: z
    .array(objectName)
    .optional()
    .meta({
      description: "Secrets with the registry's login. Default: the stack's.",
      examples: [["regcred"]],
    }),
  row: z
    .union([z.literal(false), row])
    .prefault({})
    .meta({
      description: "Its row in the application's table; false: it has none.",
      examples: [false],
    }),
});

/** What a stack says of one server. */
export type ServerInput = z.input<typeof serverSchema>;
/** The same with all defaults applied. */
export type ServerSettings = z.output<typeof serverSchema>;
