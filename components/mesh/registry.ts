import { componentLabel, partOfLabel } from "@mcp-fleet/kube";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import {
  assertRestricted,
  controlPlaneEgress,
  dnsEgress,
  meshedMetadata,
  objectLabels,
  requireServiceName,
  selectorLabels,
  serviceUrl,
  versionOf,
} from "../core";
import { agentComponent, registryComponent } from "./names";
import type { MeshRegistryArgs } from "./registry-args";
import { registryClaims, registryPod, sqliteFile } from "./registry-pod";

/**
 * The registry through which agents find each other: one pod with a stable name, its data, a Service for agents
 * and a headless one for the StatefulSet. One pod only, because the registry elects no leader and SQLite has one
 * writer.
 */
export class MeshRegistry extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:mesh:MeshRegistry";

  /** The agents' MCP_MESH_REGISTRY_URL. */
  readonly url: string;
  /** Labels by which the registry's pods are selected. */
  readonly selector: Record<string, string>;
  /** What must exist before an agent can register; the pod is ready then. */
  readonly ready: readonly pulumi.Resource[];

  private readonly args: MeshRegistryArgs;
  private readonly name: string;
  private readonly metadata: { namespace: string; labels: Record<string, string> };

  /** @throws UserError for an invalid Service name. */
  constructor(name: string, args: MeshRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      MeshRegistry.type,
      name,
      { serviceName: args.serviceName, namespace: args.namespace },
      opts,
    );
    requireServiceName(args.serviceName, `MeshRegistry ${name}`);
    this.args = args;
    this.name = name;
    const labels = { name: args.serviceName, component: registryComponent };
    this.selector = selectorLabels(labels);
    const version = versionOf(args.image);
    this.metadata = {
      namespace: args.namespace,
      labels: objectLabels({
        ...labels,
        application: args.application,
        version,
      }),
    };

    const account = this.createServiceAccount();
    const policies = args.networkPolicy === false ? [] : [this.createNetworkPolicy()];
    const settings = this.createConfigMap();
    const service = this.createService(args.serviceName, {});
    const headless = this.createService(`${args.serviceName}-headless`, {
      clusterIP: "None",
      publishNotReadyAddresses: true,
    });
    const set = this.createStatefulSet(settings, [account, headless]);
    this.url = serviceUrl(args.serviceName, args.namespace, args.port, "");
    this.ready = [set, service, ...policies];
    this.registerOutputs({ url: this.url });
  }

  private createServiceAccount(): k8s.core.v1.ServiceAccount {
    const metadata = { ...this.metadata, name: this.args.serviceName };
    return new k8s.core.v1.ServiceAccount(
      this.name,
      { metadata, automountServiceAccountToken: false },
      { parent: this },
    );
  }

  private createNetworkPolicy(): k8s.networking.v1.NetworkPolicy {
    const { application, port, storage, consumers } = this.args;
    const agents = {
      [componentLabel]: agentComponent,
      [partOfLabel]: application,
    };
    const callers = [agents, ...consumers.map(({ labels }) => ({ ...labels }))];
    return new k8s.networking.v1.NetworkPolicy(
      this.name,
      {
        metadata: { ...this.metadata, name: this.args.serviceName },
        spec: {
          podSelector: { matchLabels: this.selector },
          policyTypes: ["Ingress", "Egress"],
          ingress: [
            {
              from: callers.map((matchLabels) => ({ podSelector: { matchLabels } })),
              ports: [{ protocol: "TCP", port }],
            },
          ],
          egress: [
            ...dnsEgress(this.args.clusterNetwork?.dns),
            ...(storage.kind === "sqlite"
              ? []
              : [{ ports: [{ protocol: "TCP", port: storage.port }] }]),
            ...controlPlaneEgress(this.args.serviceMesh),
          ],
        },
      },
      { parent: this },
    );
  }

  /** Autonamed: new settings create a new ConfigMap, whose name in the template rolls the pod. */
  private createConfigMap(): k8s.core.v1.ConfigMap {
    const { args } = this;
    return new k8s.core.v1.ConfigMap(
      `${this.name}-config`,
      {
        metadata: this.metadata,
        data: {
          HOST: "0.0.0.0",
          PORT: String(args.port),
          MCP_MESH_LOG_LEVEL: args.logLevel ?? "INFO",
          HEALTH_CHECK_INTERVAL: String(args.healthCheckSeconds ?? 10),
          DEFAULT_TIMEOUT_THRESHOLD: String(args.agentTimeoutSeconds ?? 20),
          // Otherwise it looks for a Redis to send traces to.
          MCP_MESH_DISTRIBUTED_TRACING_ENABLED: "false",
          ...(args.storage.kind === "sqlite" ? { DATABASE_URL: sqliteFile } : {}),
          ...args.env,
        },
      },
      { parent: this },
    );
  }

  private createService(
    name: string,
    extra: Partial<k8s.types.input.core.v1.ServiceSpec>,
  ): k8s.core.v1.Service {
    const { port } = this.args;
    return new k8s.core.v1.Service(
      name === this.args.serviceName ? this.name : `${this.name}-headless`,
      {
        metadata: { ...this.metadata, name, annotations: { "pulumi.com/skipAwait": "true" } },
        spec: {
          selector: this.selector,
          ports: [{ name: "http", port, targetPort: "http", protocol: "TCP" }],
          ...extra,
        },
      },
      { parent: this },
    );
  }

  private createStatefulSet(
    settings: k8s.core.v1.ConfigMap,
    dependsOn: pulumi.Resource[],
  ): k8s.apps.v1.StatefulSet {
    const { args } = this;
    const template = {
      metadata: meshedMetadata(this.metadata, args.serviceMesh),
      spec: registryPod(args, settings.metadata.name),
    };
    assertRestricted(`MeshRegistry ${this.name}`, template);
    return new k8s.apps.v1.StatefulSet(
      this.name,
      {
        metadata: { ...this.metadata, name: args.serviceName },
        spec: {
          serviceName: `${args.serviceName}-headless`,
          replicas: 1,
          revisionHistoryLimit: 2,
          selector: { matchLabels: this.selector },
          template,
          ...registryClaims(args.storage),
        },
      },
      { parent: this, dependsOn },
    );
  }
}
