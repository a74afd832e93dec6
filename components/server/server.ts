import { parseServer, workloadKind } from "@mcp-fleet/schema";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import {
  createRights,
  mcpServerComponent,
  objectLabels,
  requireServiceName,
  type Transform,
  transformed,
  versionOf,
} from "../core";
import type { McpServerArgs, Server } from "./args";
import { egressOf, fqdnPolicySpec, serverPolicy } from "./network";
import { addressAnnotations, autoscalerSpec, budgetSpec, serviceSpec, urlOf } from "./operations";
import { hasRights } from "./rights";
import { createSecret } from "./secret";
import { createWorkload, keyAnnotationOf, type Workload } from "./workload";

/**
 * One MCP server on Kubernetes: Deployment or StatefulSet, Service, ServiceAccount without token, Secret and NetworkPolicy,
 * hardened to Pod Security "restricted"; autoscaler and disruption budget where asked for.
 */
export class McpServer extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:server:McpServer";

  /** The URL of the server within the cluster. */
  readonly url: string;
  /** A StatefulSet where a volume has a claimTemplate. */
  readonly workload: Workload;
  readonly service: k8s.core.v1.Service;
  /** What has to be there before the server can be called. Depend on these, not on the component. */
  readonly ready: readonly pulumi.Resource[];

  private readonly server: Server;
  private readonly name: string;
  private readonly labels: { name: string; component: string };
  private readonly metadata: { namespace: string; labels: Record<string, string> };

  /** @throws UserError for a name that is no Service name and for a transform that changes more than it may. */
  constructor(name: string, args: McpServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super(McpServer.type, name, { serviceName: args.name, namespace: args.namespace }, opts);
    requireServiceName(args.name, `McpServer ${name}`);
    const { image, port, transform } = args;
    const described = parseServer({ ...args, transform: undefined }, `McpServer ${name}`);
    // Every key of a description comes from the schema, also one that is only there as undefined.
    const own = { name: args.name, image, port, transform };
    const server = { ...args, ...described, ...own } as Server;
    this.server = server;
    this.name = name;
    this.labels = { name: args.name, component: args.component ?? mcpServerComponent };
    const version = versionOf(args.image);
    this.metadata = {
      namespace: args.namespace,
      labels: objectLabels({
        ...this.labels,
        application: args.application,
        version,
      }),
    };

    const account = this.createServiceAccount();
    const policies = args.networkPolicy === false ? [] : this.createNetworkPolicies();
    const secret = createSecret(this, this.name, this.metadata, server);
    const before = [...account, this.createCode(), secret.made];
    this.workload = createWorkload(this, this.name, {
      ...{ server, labels: this.labels, metadata: this.metadata },
      ...{ secretName: secret.name, secretVersion: secret.version },
      dependsOn: before.filter((one) => one !== undefined),
    });
    this.service = this.createService();
    this.createAutoscaler();
    this.createDisruptionBudget();
    this.url = urlOf(server);
    this.ready = [this.workload, this.service, ...policies];
    this.registerOutputs({ url: this.url });
  }

  /** A child's arguments after the transform of this name. */
  private changed<T extends object>(
    key: keyof NonNullable<McpServerArgs["transform"]>,
    args: T,
  ): T {
    const transform = this.server.transform?.[key] as Transform<T> | undefined;
    return transformed(`McpServer ${this.name}`, key, args, transform);
  }

  /** The account that the pods run as, and what it may do; one that exists is not ours. */
  private createServiceAccount(): pulumi.Resource[] {
    const { serviceAccount, name } = this.server;
    if (typeof serviceAccount === "string") return [];
    const metadata = { ...this.metadata, name };
    const annotations = serviceAccount?.annotations;
    const account = new k8s.core.v1.ServiceAccount(
      this.name,
      this.changed<k8s.core.v1.ServiceAccountArgs>("serviceAccount", {
        metadata: { ...metadata, annotations },
        automountServiceAccountToken: false,
      }),
      { parent: this },
    );
    if (!hasRights(this.server)) return [account];
    return [account, createRights(this, this.name, metadata, serviceAccount?.rules ?? [])];
  }

  private createNetworkPolicies(): pulumi.Resource[] {
    const { name } = this.server;
    const { fqdns } = egressOf(this.server);
    const metadata = { ...this.metadata, name };
    const policy = new k8s.networking.v1.NetworkPolicy(
      this.name,
      this.changed<k8s.networking.v1.NetworkPolicyArgs>("networkPolicy", {
        metadata,
        spec: serverPolicy(this.server, this.labels),
      }),
      { parent: this },
    );
    if (fqdns === undefined) return [policy];
    const byName = new k8s.apiextensions.CustomResource(
      `${this.name}-fqdns`,
      this.changed<k8s.apiextensions.CustomResourceArgs>("fqdnPolicy", {
        apiVersion: "cilium.io/v2",
        kind: "CiliumNetworkPolicy",
        metadata: { ...metadata, name: `${name}-fqdns` },
        spec: fqdnPolicySpec(this.labels, fqdns, this.server.clusterNetwork?.dns),
      }),
      { parent: this },
    );
    return [policy, byName];
  }

  /** The name is part of the convention and never changes; the hash on the pods is what rolls them. */
  private createCode(): k8s.core.v1.ConfigMap | undefined {
    const { code, name } = this.server;
    if (code === undefined) return undefined;
    return new k8s.core.v1.ConfigMap(
      `${this.name}-code`,
      this.changed<k8s.core.v1.ConfigMapArgs>("configMap", {
        metadata: { ...this.metadata, name: `${name}-code` },
        data: { ...code.files },
      }),
      { parent: this },
    );
  }

  private createService(): k8s.core.v1.Service {
    return new k8s.core.v1.Service(
      this.name,
      this.changed<k8s.core.v1.ServiceArgs>("service", {
        metadata: {
          ...this.metadata,
          name: this.server.name,
          // The engine's await of a Service costs ten seconds and proves less than the probe through it.
          annotations: {
            "pulumi.com/skipAwait": "true",
            ...addressAnnotations(this.server),
            ...keyAnnotationOf(this.server),
            ...this.server.service?.annotations,
          },
        },
        spec: serviceSpec(this.labels, this.server),
      }),
      { parent: this },
    );
  }

  private createAutoscaler(): void {
    const { autoscaling, name } = this.server;
    if (autoscaling === undefined) return;
    new k8s.autoscaling.v2.HorizontalPodAutoscaler(
      this.name,
      this.changed<k8s.autoscaling.v2.HorizontalPodAutoscalerArgs>("autoscaler", {
        metadata: { ...this.metadata, name },
        spec: autoscalerSpec({ kind: workloadKind(this.server), name }, autoscaling),
      }),
      { parent: this, dependsOn: [this.workload] },
    );
  }

  private createDisruptionBudget(): void {
    const { disruptionBudget, name } = this.server;
    if (disruptionBudget === undefined) return;
    new k8s.policy.v1.PodDisruptionBudget(
      this.name,
      this.changed<k8s.policy.v1.PodDisruptionBudgetArgs>("disruptionBudget", {
        metadata: { ...this.metadata, name },
        spec: budgetSpec(this.labels, disruptionBudget),
      }),
      { parent: this },
    );
  }
}
