import { keyAnnotation } from "@mcp-fleet/cluster";
import { isReplaced, parseServer } from "@mcp-fleet/schema";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import {
  apiRightsAnnotation,
  createRights,
  defaultRolloutSeconds,
  gentleRollout,
  mcpServerComponent,
  meshedMetadata,
  objectLabels,
  replacingRollout,
  requireServiceName,
  rolloutTimeouts,
  secretVersionAnnotation,
  selectorLabels,
  type Transform,
  transformed,
  versionOf,
} from "../core";
import type { McpServerArgs, Server } from "./args";
import { egressOf, fqdnPolicySpec, serverPolicy } from "./network";
import { addressAnnotations, autoscalerSpec, budgetSpec, serviceSpec, urlOf } from "./operations";
import { serverPod } from "./pod";
import { codeAnnotation, codeHash } from "./process";
import { hasRights } from "./rights";
import { createSecret, infisicalReload, secretOperator } from "./secret";

/**
 * One MCP server on Kubernetes: Deployment, Service, ServiceAccount without token, Secret and NetworkPolicy,
 * hardened to Pod Security "restricted"; autoscaler and disruption budget where asked for.
 */
export class McpServer extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:server:McpServer";

  /** The URL of the server within the cluster. */
  readonly url: string;
  readonly deployment: k8s.apps.v1.Deployment;
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
    this.deployment = this.createDeployment(
      secret.name,
      before.filter((one) => one !== undefined),
    );
    this.service = this.createService();
    this.createAutoscaler();
    this.createDisruptionBudget();
    this.url = urlOf(server);
    this.ready = [this.deployment, this.service, ...policies];
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

  private createDeployment(
    secretName: pulumi.Input<string> | undefined,
    dependsOn: pulumi.Resource[],
  ): k8s.apps.v1.Deployment {
    const { server } = this;
    const { secretVersion, autoscaling, code } = server;
    const annotations = {
      ...server.podAnnotations,
      ...(hasRights(server) ? { [apiRightsAnnotation]: "namespace" } : {}),
      ...(code === undefined ? {} : { [codeAnnotation]: codeHash(code.files ?? {}) }),
      ...(secretVersion === undefined ? {} : { [secretVersionAnnotation]: secretVersion }),
    };
    const rolloutSeconds = server.rolloutSeconds ?? defaultRolloutSeconds;
    const pods = autoscaling?.maxReplicas ?? server.replicas ?? 1;
    const reload = secretOperator(server.secret)?.startsWith("infisical") ? infisicalReload : {};
    const own = { ...reload, ...this.keyAnnotation() };
    const labels = { ...server.podLabels, ...this.metadata.labels };
    const args = this.changed<k8s.apps.v1.DeploymentArgs>("deployment", {
      metadata: {
        ...this.metadata,
        name: server.name,
        ...(Object.keys(own).length === 0 ? {} : { annotations: own }),
      },
      spec: {
        replicas: server.replicas ?? autoscaling?.minReplicas ?? 1,
        revisionHistoryLimit: 2,
        progressDeadlineSeconds: rolloutSeconds,
        selector: { matchLabels: selectorLabels(this.labels) },
        strategy: isReplaced(server) ? replacingRollout : gentleRollout,
        template: {
          metadata: meshedMetadata({ labels, annotations }, server.serviceMesh),
          spec: serverPod(server, this.labels, secretName),
        },
      },
    });
    return new k8s.apps.v1.Deployment(this.name, args, {
      parent: this,
      dependsOn,
      customTimeouts: rolloutTimeouts(rolloutSeconds, pods),
      // The autoscaler's business from then on.
      ...(autoscaling === undefined ? {} : { ignoreChanges: ["spec.replicas"] }),
    });
  }

  private keyAnnotation(): Record<string, string> {
    return this.server.key === undefined ? {} : { [keyAnnotation]: this.server.key };
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
            ...this.keyAnnotation(),
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
        spec: autoscalerSpec(name, autoscaling),
      }),
      { parent: this, dependsOn: [this.deployment] },
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
