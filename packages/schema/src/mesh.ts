import { z } from "zod";

import { egress } from "./egress";
import { dnsName, image, port, replicas, seconds } from "./fields";
import { operations } from "./operations";
import { registry } from "./registry";
import { resources } from "./resources";
import { serverEnv } from "./server-env";
import { serviceMesh } from "./service-mesh";

const capability = z.strictObject({
  name: z
    .string()
    .min(1)
    .meta({ description: "Name that other agents ask for.", examples: ["greeting"] }),
  version: z
    .string()
    .optional()
    .meta({ description: "Its version.", examples: ["1.0.0"] }),
  tags: z
    .array(z.string())
    .optional()
    .meta({ description: "Tags by which it is chosen.", examples: [["hello"]] }),
});

/** An agent of a mesh. The values of charts/mcp-agent are checked by it too. */
export const agent = z.strictObject({
  image: image.meta({
    description: "The agent's image, pinned by tag or digest.",
    examples: ["registry.example.com/agents/greeter:1.0.0"],
  }),
  agentName: dnsName.optional().meta({
    description: "Its name in its own code, @mesh.agent(name=...). Default: its key.",
    examples: ["greeter"],
  }),
  command: z
    .array(z.string())
    .optional()
    .meta({
      description: "Replaces the image's entrypoint.",
      examples: [["python", "-m", "greeter"]],
    }),
  args: z
    .array(z.string())
    .optional()
    .meta({ description: "Replaces the image's command.", examples: [["--verbose"]] }),
  port: port.default(8080).meta({ description: "The port it listens on.", examples: [8080] }),
  capabilities: z
    .array(capability)
    .optional()
    .meta({
      description: "What it offers, as its code says; shown in its MCPAgent object.",
      examples: [[{ name: "greeting", version: "1.0.0", tags: ["hello"] }]],
    }),
  dependencies: z
    .array(z.string().min(1))
    .optional()
    .meta({
      description: "Capabilities that it needs, as its code says; shown in its MCPAgent object.",
      examples: [["greeting"]],
    }),
  advertise: z
    .enum(["service", "pod"])
    .optional()
    .meta({
      description:
        "Where the registry sends its callers: to its Service, which balances over replicas, or to the very pod. Default service.",
      examples: ["pod"],
    }),
  env: serverEnv.optional().meta({
    description: "Variables besides the mesh's own.",
    examples: [{ LOG_LEVEL: "info", TOKEN: { secret: "greeter", key: "token" } }],
  }),
  secret: dnsName.optional().meta({
    description: "Name of a Secret that exists; its keys become variables.",
    examples: ["greeter"],
  }),
  replicas: replicas.optional().meta({
    description: "Pods. Default 1, or the autoscaler's least.",
    examples: [2],
  }),
  startSeconds: seconds.optional().meta({
    description: "How long its first start may take, in seconds. Default 120.",
    examples: [120],
  }),
  resources: resources.optional().meta({
    description:
      "Requests and limits of its container. Default: 50m to 1 CPU, 192Mi to 512Mi of memory.",
    examples: [{ requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "512Mi" } }],
  }),
  egress: egress.optional().meta({
    description:
      "Where it may connect besides the registry and other agents, as for a server. Default dns.",
    examples: ["internet"],
  }),
  user: z
    .int()
    .positive()
    .optional()
    .meta({ description: "User id of the process. Default 65532.", examples: [1000] }),
  ...{
    autoscaling: operations.autoscaling,
    disruptionBudget: operations.disruptionBudget,
    spreadOver: operations.spreadOver,
  },
});

/** An MCP Mesh: a registry and its agents. */
export const mesh = z.strictObject({
  defineAgents: z
    .boolean()
    .default(true)
    .meta({
      description:
        "Whether the definition of MCPAgent objects is created here; one stack of a cluster does so.",
      examples: [false],
    }),
  registry: registry.meta({
    description: "The registry through which agents find each other; one pod.",
    examples: [{ image: "mcpmesh/registry:3.6.0", storage: { sqlite: { size: "2Gi" } } }],
  }),
  agents: z
    .record(dnsName, agent)
    .default({})
    .meta({
      description: "Agents by the name of their Deployment and Service.",
      examples: [{ greeter: { image: "registry.example.com/agents/greeter:1.0.0" } }],
    }),
  serviceMesh: serviceMesh.optional().meta({
    description:
      "The configuration of the cluster's service mesh: mutual TLS, timeouts and retries. Default: nothing.",
    examples: [{ kind: "istio", timeoutSeconds: 30 }],
  }),
});

export type MeshSettings = z.infer<typeof mesh>;
