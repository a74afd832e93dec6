import {
  agentDefinition,
  MeshAgent,
  type MeshAgentArgs,
  MeshAgentChart,
  MeshRegistry,
  type MeshRegistryArgs,
  MeshRegistryChart,
  RegistryDatabase,
  ServiceMeshPolicies,
} from "@mcp-fleet/components/mesh";
import * as pulumi from "@pulumi/pulumi";

/* An MCP Mesh, once by these components and once by its publisher's charts, with the same arguments. */

const namespace = "mcp-mesh";
const application = "mcp-mesh";

const registryName = { serviceName: "mcp-registry", namespace, application };

const database = new RegistryDatabase("mcp-registry-database", {
  ...registryName,
  adminUrl: new pulumi.Config("assistant").requireSecret("adminUrl"),
  adminKey: "assistant:adminUrl",
  database: "mcp_mesh",
  role: "mcp_mesh",
  tls: "verify-full",
});

const registryArgs: MeshRegistryArgs = {
  ...registryName,
  image: "ghcr.io/dhyansraj/mcp-mesh/registry:3.6.0",
  port: 8000,
  storage: database.storage,
  consumers: [],
};
const registry = new MeshRegistry("mcp-registry", registryArgs, { dependsOn: [...database.ready] });

const agentArgs: MeshAgentArgs = {
  serviceName: "greeter",
  namespace,
  application,
  image: "registry.example/greeter:1.0.0",
  port: 8080,
  registryUrl: registry.url,
  registry: { labels: registry.selector, port: registryArgs.port },
  capabilities: [{ name: "greeting" }],
  consumers: [],
};
const greeter = new MeshAgent("greeter", agentArgs, [agentDefinition("mcp-mesh-agents")], {
  dependsOn: [...registry.ready],
});

new ServiceMeshPolicies("mcp-mesh-istio", {
  namespace,
  application,
  kind: "istio",
  traffic: {
    timeoutSeconds: 30,
    retries: { attempts: 2, perTrySeconds: 10 },
    outlier: { consecutiveErrors: 5, intervalSeconds: 10, ejectionSeconds: 30 },
  },
  services: [{ name: "mcp-registry", port: registryArgs.port, selector: registry.selector }],
});

const chart = { version: "3.6.0" };
const elsewhere = { namespace: "mcp-mesh-charts" };
const published = new MeshRegistryChart(
  "published-registry",
  { ...registryArgs, ...elsewhere, storage: { kind: "sqlite", size: "2Gi" } },
  chart,
);
new MeshAgentChart(
  "published-greeter",
  { ...agentArgs, ...elsewhere, registryUrl: published.url },
  chart,
  {
    dependsOn: [...published.ready],
  },
);

export const greeterUrl = greeter.server.url;
