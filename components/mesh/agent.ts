import { componentLabel, partOfLabel } from "@mcp-fleet/kube";
import type { EnvValue } from "@mcp-fleet/schema";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { type ClusterNetwork, selectorLabels, type ServiceMeshMember } from "../core";
import { type Consumer, egressOf, McpServer, type McpServerArgs } from "../server";
import { agentComponent, meshApi } from "./names";

/** A capability that an agent offers to the others. */
export interface Capability {
  readonly name: string;
  readonly version?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** Arguments of {@link MeshAgent}. */
export interface MeshAgentArgs {
  /** Name of the Deployment, the Service and the MCPAgent object. */
  readonly serviceName: string;
  readonly namespace: string;
  readonly application: string;
  /** The name in the agent's own code, `@mesh.agent(name=...)`. @default `serviceName` */
  readonly agentName?: string;
  readonly image: string;
  readonly command?: string[];
  readonly args?: string[];
  readonly port: number;
  readonly registryUrl: string;
  /** The registry's pods, which the agent calls. */
  readonly registry: {
    readonly labels: Readonly<Record<string, string>>;
    readonly port: number;
  };
  /** What it offers and needs according to its code; shown in the MCPAgent object. */
  readonly capabilities?: readonly Capability[];
  readonly dependencies?: readonly string[];
  /**
   * The address that the registry gives to callers: the Service, which balances over replicas, or the pod.
   * @default "service"
   */
  readonly advertise?: "service" | "pod";
  readonly env?: Readonly<Record<string, EnvValue>>;
  /** A Secret whose keys become variables. */
  readonly secret?: string;
  readonly replicas?: number;
  readonly autoscaling?: McpServerArgs["autoscaling"];
  readonly disruptionBudget?: McpServerArgs["disruptionBudget"];
  readonly spreadOver?: McpServerArgs["spreadOver"];
  readonly resources?: McpServerArgs["resources"];
  /** @default 120 */
  readonly startSeconds?: number;
  /** User id of the process. @default 65532 */
  readonly user?: number;
  /** Pods that may call it besides the mesh's agents. */
  readonly consumers: readonly Consumer[];
  /**
   * Where it may connect besides the registry and other agents, as for a server.
   * @default "dns"
   */
  readonly egress?: McpServerArgs["egress"];
  /** @default as for a server */
  readonly clusterNetwork?: ClusterNetwork;
  /**
   * The service mesh of its pods.
   * @default none, or that of their namespace
   */
  readonly serviceMesh?: ServiceMeshMember;
  readonly imagePullSecrets?: string[];
  /** @default true */
  readonly networkPolicy?: boolean;
}

/** One agent of the mesh: a hardened server with the mesh's variables and probes, and its MCPAgent object. */
export class MeshAgent extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:mesh:MeshAgent";

  readonly server: McpServer;

  private readonly args: MeshAgentArgs;
  private readonly name: string;

  /**
   * @param definition the definition of MCPAgent objects, if it is created here; `opts.dependsOn` has the other
   * prerequisites
   */
  constructor(
    name: string,
    args: MeshAgentArgs,
    definition: readonly pulumi.Resource[],
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(MeshAgent.type, name, { serviceName: args.serviceName, namespace: args.namespace }, opts);
    this.args = args;
    this.name = name;
    this.server = this.createServer();
    if (args.advertise === "pod") this.createHeadlessService();
    this.createObject(definition);
    this.registerOutputs({ url: this.server.url });
  }

  private createServer(): McpServer {
    const { args } = this;
    const { serviceName, namespace, application, port, registry } = args;
    const peers = {
      [componentLabel]: agentComponent,
      [partOfLabel]: application,
    };
    const { profile, pods } = egressOf({ egress: args.egress ?? "dns" });
    return new McpServer(
      this.name,
      {
        ...{ name: serviceName, namespace, application, port, component: agentComponent },
        ...{ image: args.image, command: args.command, args: args.args, secret: args.secret },
        health: { path: "/livez", startup: "/startupz", readiness: "/ready" },
        startSeconds: args.startSeconds ?? 120,
        env: { ...meshEnv(args), ...args.env },
        ...{ replicas: args.replicas, autoscaling: args.autoscaling, user: args.user },
        ...{ disruptionBudget: args.disruptionBudget, spreadOver: args.spreadOver },
        resources: args.resources ?? {
          requests: { cpu: "50m", memory: "192Mi" },
          limits: { cpu: "1", memory: "512Mi" },
        },
        consumers: [{ name: "agents", labels: peers }, ...args.consumers],
        egress: args.egress,
        egressToPods: [
          // The named pods replace the own namespace, which `cluster` means.
          ...(profile === "cluster" && pods === undefined ? [{}] : []),
          { labels: registry.labels, ports: [registry.port] },
          { labels: peers, ports: [port] },
        ],
        ...{ clusterNetwork: args.clusterNetwork, serviceMesh: args.serviceMesh },
        imagePullSecrets: args.imagePullSecrets ?? [],
        networkPolicy: args.networkPolicy ?? true,
      },
      { parent: this },
    );
  }

  /** A DNS name for each pod, for callers that get a pod's own address. */
  private createHeadlessService(): k8s.core.v1.Service {
    const { serviceName, namespace, port } = this.args;
    const selector = selectorLabels({ name: serviceName, component: agentComponent });
    return new k8s.core.v1.Service(
      `${this.name}-headless`,
      {
        metadata: {
          name: `${serviceName}-headless`,
          namespace,
          labels: selector,
          annotations: { "pulumi.com/skipAwait": "true" },
        },
        spec: {
          clusterIP: "None",
          selector,
          ports: [{ name: "http", port, targetPort: "http", protocol: "TCP" }],
        },
      },
      { parent: this },
    );
  }

  private createObject(definition: readonly pulumi.Resource[]): void {
    const { args } = this;
    new k8s.apiextensions.CustomResource(
      `${this.name}-agent`,
      {
        apiVersion: `${meshApi.group}/${meshApi.version}`,
        kind: "MCPAgent",
        metadata: {
          name: args.serviceName,
          namespace: args.namespace,
          labels: { [partOfLabel]: args.application },
        },
        spec: {
          agentName: args.agentName ?? args.serviceName,
          workload: args.serviceName,
          image: args.image,
          replicas: args.replicas ?? args.autoscaling?.minReplicas ?? 1,
          capabilities: args.capabilities ?? [],
          dependencies: args.dependencies ?? [],
        },
      },
      { parent: this, dependsOn: [...definition] },
    );
  }
}

/** The variables of the mesh's runtime. `namespace` is a term of the mesh, not Kubernetes'. */
function meshEnv(args: MeshAgentArgs): Record<string, EnvValue> {
  return {
    POD_IP: { field: "status.podIP" },
    MCP_MESH_AGENT_NAME: args.agentName ?? args.serviceName,
    MCP_MESH_REGISTRY_URL: args.registryUrl,
    MCP_MESH_HTTP_ENABLED: "true",
    HOST: "0.0.0.0",
    MCP_MESH_HTTP_PORT: String(args.port),
    MCP_MESH_HTTP_HOST:
      args.advertise === "pod" ? "$(POD_IP)" : `${args.serviceName}.${args.namespace}`,
    // Otherwise it writes caches to its home, on a read-only root.
    HOME: "/tmp",
  };
}
