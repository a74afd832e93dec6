import { selectorLabels } from "@mcp-fleet/components/core";
import {
  Cutover,
  type CutoverSpec,
  type ServerTarget,
  Settle,
} from "@mcp-fleet/components/cutover";
import { McpServer } from "@mcp-fleet/components/server";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/*
 * A program of one's own with the components of mcp-fleet: a GitHub MCP server, the row of the table `tool_servers`
 * that points to it, and the assistant that reads the row. `pulumi config set target embedded` is the rollback.
 */

const config = new pulumi.Config("assistant");
const target = config.require<"in-cluster" | "embedded">("target");
const namespace = "assistant";
const labels = selectorLabels({ name: "assistant", component: "web" });
const databaseUrl = config.requireSecret("databaseUrl");

const github = new McpServer("github-mcp", {
  name: "github-mcp",
  namespace,
  application: "assistant",
  image: "ghcr.io/github/github-mcp-server:v1.10.1",
  args: ["http"],
  port: 8082,
  consumers: [{ name: "web", labels }],
  egress: "internet",
  resources: {
    requests: { cpu: "50m", memory: "64Mi" },
    limits: { cpu: "500m", memory: "256Mi" },
  },
});

const spec: CutoverSpec = {
  name: "assistant",
  table: {
    schema: "public",
    table: "tool_servers",
    id: "id",
    key: ["name"],
    config: "config",
    type: { column: "kind", value: "builtin" },
  },
  rows: [
    {
      key: "github",
      url: github.url,
      transport: "streamable-http",
      aliases: [],
      secretKeys: ["GITHUB_PERSONAL_ACCESS_TOKEN"],
    },
  ],
  deferred: [],
  skip: [],
  softReferences: [],
  onConflict: "fail",
  fence: true,
};

const connection = {
  kubernetes: {},
  database: { connect: "direct", tls: "verify-full" },
  credentials: databaseUrl.apply((url) => ({ databaseUrl: url })),
} as const;

/** The proof: asked before the rows are written, and once more while the assistant rolls out. */
const probe = {
  from: "cluster",
  namespace,
  image: "ghcr.io/example/mcp-probe:0.1.0",
  consumers: [{ name: "web", labels }],
} as const;
const targets: ServerTarget[] = [
  { name: "github", url: github.url, auth: "none", requiredTools: ["get_me"], minTools: 1 },
];

const rows = new Cutover(
  "assistant-rows",
  {
    ...connection,
    target,
    spec,
    meta: { stack: pulumi.getStack(), who: "assistant", toolVersion: "0.1.0" },
    probe,
    targets,
  },
  { dependsOn: [...github.ready] },
);

const assistant = new k8s.apps.v1.Deployment(
  "assistant",
  {
    metadata: { name: "assistant", namespace },
    spec: {
      selector: { matchLabels: labels },
      template: {
        // A new generation restarts the pods, which then read the new rows.
        metadata: {
          labels,
          annotations: { "assistant.example/generation": pulumi.interpolate`${rows.generation}` },
        },
        spec: { containers: [{ name: "web", image: "ghcr.io/example/assistant:2.0.0" }] },
      },
    },
  },
  { dependsOn: [rows] },
);

new Settle(
  "assistant-settle",
  {
    ...connection,
    generation: rows.generation,
    spec,
    probe,
    targets: target === "in-cluster" ? targets : [],
    toolVersion: "0.1.0",
    workloads: [{ namespace, deployment: "assistant" }],
  },
  { dependsOn: [assistant] },
);

export const githubUrl = github.url;
export const generation = rows.generation;
