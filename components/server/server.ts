import { keyAnnotation, pathAnnotation } from "@mcp-fleet/cluster";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import {
  defaultRolloutSeconds,
  defaultUser,
  drainSeconds,
  gentleRollout,
  hardenedPod,
  mcpServerComponent,
  meshedMetadata,
  objectLabels,
  requireServiceName,
  rolloutTimeouts,
  secretVersionAnnotation,
  selectorLabels,
  serviceUrl,
  type Transform,
  transformed,
  versionOf,
} from "../core";
import type { McpServerArgs } from "./args";
import { serverContainer } from "./container";
import { fqdnPolicySpec, serverPolicy } from "./network";
import { autoscalerSpec, budgetSpec, placementSpec, serviceSpec } from "./operations";
import { codeAnnotation, codeHash, codePath } from "./process";
import { createSecret, infisicalReload } from "./secret";

/** How long a process gets to end by itself, in seconds. */
const endSeconds = 10;

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

  private readonly args: McpServerArgs;
  private readonly name: string;
  private readonly labels: { name: string; component: string };
  private readonly metadata: { namespace: string; labels: Record<string, string> };

  /** @throws UserError for a name that is no Service name and for a transform that changes more than it may. */
  constructor(name: string, args: McpServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super(McpServer.type, name, { serviceName: args.serviceName, namespace: args.namespace }, opts);
    requireServiceName(args.serviceName, `McpServer ${name}`);
    this.args = args;
    this.name = name;
    this.labels = { name: args.serviceName, component: args.component ?? mcpServerComponent };
    const version = versionOf(args.source.image);
    this.metadata = {
      namespace: args.namespace,
      labels: objectLabels({
        ...this.labels,
        application: args.application,
        ...(version === undefined ? {} : { version }),
      }),
    };

    const account = this.createServiceAccount();
    const policies = args.networkPolicy === false ? [] : this.createNetworkPolicies();
    const secret = createSecret(this, this.name, this.metadata, args);
    const before = [account, this.createCode(), secret.made];
    this.deployment = this.createDeployment(
      secret.name,
      before.filter((one) => one !== undefined),
    );
    this.service = this.createService();
    this.createAutoscaler();
    this.createDisruptionBudget();
    this.url = serviceUrl(args.serviceName, args.namespace, args.port, args.path);
    this.ready = [this.deployment, this.service, ...policies];
    this.registerOutputs({ url: this.url });
  }

  /** A child's arguments after the transform of this name. */
  private changed<T extends object>(
    key: keyof NonNullable<McpServerArgs["transform"]>,
    args: T,
  ): T {
    const transform = this.args.transform?.[key] as Transform<T> | undefined;
    return transformed(`McpServer ${this.name}`, key, args, transform);
  }

  private createServiceAccount(): k8s.core.v1.ServiceAccount {
    return new k8s.core.v1.ServiceAccount(
      this.name,
      this.changed<k8s.core.v1.ServiceAccountArgs>("serviceAccount", {
        metadata: { ...this.metadata, name: this.args.serviceName },
        automountServiceAccountToken: false,
      }),
      { parent: this },
    );
  }

  private createNetworkPolicies(): pulumi.Resource[] {
    const { egressFqdns, serviceName } = this.args;
    const metadata = { ...this.metadata, name: serviceName };
    const policy = new k8s.networking.v1.NetworkPolicy(
      this.name,
      this.changed<k8s.networking.v1.NetworkPolicyArgs>("networkPolicy", {
        metadata,
        spec: serverPolicy(this.args, this.labels),
      }),
      { parent: this },
    );
    if (egressFqdns === undefined) return [policy];
    const byName = new k8s.apiextensions.CustomResource(
      `${this.name}-fqdns`,
      this.changed<k8s.apiextensions.CustomResourceArgs>("fqdnPolicy", {
        apiVersion: "cilium.io/v2",
        kind: "CiliumNetworkPolicy",
        metadata: { ...metadata, name: `${serviceName}-fqdns` },
        spec: fqdnPolicySpec(this.labels, egressFqdns, this.args.clusterNetwork?.dns),
      }),
      { parent: this },
    );
    return [policy, byName];
  }

  /** The name is part of the convention and never changes; the hash on the pods is what rolls them. */
  private createCode(): k8s.core.v1.ConfigMap | undefined {
    const { source, serviceName } = this.args;
    if (source.kind !== "code") return undefined;
    return new k8s.core.v1.ConfigMap(
      `${this.name}-code`,
      this.changed<k8s.core.v1.ConfigMapArgs>("configMap", {
        metadata: { ...this.metadata, name: `${serviceName}-code` },
        data: { ...source.files },
      }),
      { parent: this },
    );
  }

  private createDeployment(
    secretName: pulumi.Input<string> | undefined,
    dependsOn: pulumi.Resource[],
  ): k8s.apps.v1.Deployment {
    const { source } = this.args;
    const code = source.kind === "code" ? source : undefined;
    const { secretVersion } = this.args;
    const annotations = {
      ...(code === undefined ? {} : { [codeAnnotation]: codeHash(code) }),
      ...(secretVersion === undefined ? {} : { [secretVersionAnnotation]: secretVersion }),
    };
    const drain = this.args.preStopSeconds ?? drainSeconds;
    const rolloutSeconds = this.args.rolloutSeconds ?? defaultRolloutSeconds;
    const pods = this.args.autoscaling?.maxReplicas ?? this.args.replicas ?? 1;
    const reload = this.args.secret?.kind.startsWith("infisical") === true ? infisicalReload : {};
    const named = this.keyAnnotation();
    const args = this.changed<k8s.apps.v1.DeploymentArgs>("deployment", {
      metadata: {
        ...this.metadata,
        name: this.args.serviceName,
        ...(Object.keys({ ...reload, ...named }).length === 0
          ? {}
          : { annotations: { ...reload, ...named } }),
      },
      spec: {
        replicas: this.args.replicas ?? this.args.autoscaling?.minReplicas ?? 1,
        revisionHistoryLimit: 2,
        progressDeadlineSeconds: rolloutSeconds,
        selector: { matchLabels: selectorLabels(this.labels) },
        strategy: gentleRollout,
        template: {
          metadata: meshedMetadata(
            { labels: this.metadata.labels, annotations },
            this.args.serviceMesh,
          ),
          spec: hardenedPod({
            container: serverContainer(this.args, secretName),
            serviceAccountName: this.args.serviceName,
            user: this.args.user ?? defaultUser,
            writable: this.args.writable ?? [],
            imagePullSecrets: this.args.imagePullSecrets ?? [],
            ...(secretName === undefined || this.args.files === undefined
              ? {}
              : { secretFiles: { secretName, keys: this.args.files } }),
            ...(code === undefined
              ? {}
              : {
                  configDirectory: { configMap: `${this.args.serviceName}-code`, path: codePath },
                }),
            placement: placementSpec(this.labels, this.args.placement),
            drainSeconds: drain,
            graceSeconds: (this.args.terminationGraceSeconds ?? drain + endSeconds) - drain,
          }),
        },
      },
    });
    return new k8s.apps.v1.Deployment(this.name, args, {
      parent: this,
      dependsOn,
      customTimeouts: rolloutTimeouts(rolloutSeconds, pods),
      // The autoscaler's business from then on.
      ...(this.args.autoscaling === undefined ? {} : { ignoreChanges: ["spec.replicas"] }),
    });
  }

  private keyAnnotation(): Record<string, string> {
    return this.args.key === undefined ? {} : { [keyAnnotation]: this.args.key };
  }

  private createService(): k8s.core.v1.Service {
    return new k8s.core.v1.Service(
      this.name,
      this.changed<k8s.core.v1.ServiceArgs>("service", {
        metadata: {
          ...this.metadata,
          name: this.args.serviceName,
          // The engine's await of a Service costs ten seconds and proves less than the probe through it.
          annotations: {
            "pulumi.com/skipAwait": "true",
            [pathAnnotation]: this.args.path,
            ...this.keyAnnotation(),
            ...this.args.exposure?.annotations,
          },
        },
        spec: serviceSpec(this.labels, this.args.port, this.args.exposure),
      }),
      { parent: this },
    );
  }

  private createAutoscaler(): void {
    const { autoscaling, serviceName: name } = this.args;
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
    const { disruptionBudget, serviceName: name } = this.args;
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
