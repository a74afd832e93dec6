import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import {
  defaultRolloutSeconds,
  defaultUser,
  generationLabel,
  gentleRollout,
  hardenedPod,
  objectLabels,
  requireServiceName,
  rolloutTimeouts,
  selectorLabels,
  serviceUrl,
  transformed,
  workloadLabel,
} from "../core";
import type { StudioArgs } from "./args";
import { trustEnv, trustMounts } from "./trust";

/** Role of Studio's web pods within the application. */
export const studioComponent = "web";

/** The application: a Deployment that rolls after the rows, and never before. */
export class Studio extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:studio:Studio";

  readonly url: string;
  readonly deployment: k8s.apps.v1.Deployment;
  readonly service: k8s.core.v1.Service;

  private readonly args: StudioArgs;
  private readonly name: string;
  private readonly labels: { name: string; component: string };
  private readonly selector: Record<string, string>;
  private readonly metadata: { namespace: string; labels: Record<string, string> };

  /** @throws UserError for a name that is no Service name and for a transform that changes more than it may. */
  constructor(name: string, args: StudioArgs, opts?: pulumi.ComponentResourceOptions) {
    super(Studio.type, name, { serviceName: args.serviceName, namespace: args.namespace }, opts);
    requireServiceName(args.serviceName, `Studio ${name}`);
    this.args = args;
    this.name = name;
    this.labels = { name: args.serviceName, component: studioComponent };
    // Probe Jobs wear the labels of Studio's pods; this one keeps them out of its Service and Deployment.
    this.selector = { ...selectorLabels(this.labels), [workloadLabel]: "studio" };
    this.metadata = {
      namespace: args.namespace,
      labels: objectLabels({ ...this.labels, application: args.application }),
    };

    const settings = this.createConfigMap();
    const secret = this.createSecret();
    if (args.networkPolicy !== false) this.createNetworkPolicy();
    this.deployment = this.createDeployment(settings, secret);
    this.service = this.createService();
    this.url = serviceUrl(args.serviceName, args.namespace, args.port, "");
    this.registerOutputs({ url: this.url });
  }

  /** Autonamed, like the Secret: new content is a new object, and its name in the template rolls the pods. */
  private createConfigMap(): k8s.core.v1.ConfigMap {
    return new k8s.core.v1.ConfigMap(
      `${this.name}-config`,
      {
        metadata: this.metadata,
        data: {
          ...this.args.env,
          STUDIO_MODE: this.args.mode,
          PORT: String(this.args.port),
          // Studio builds its own idea of the rows' URLs from this; another value makes it rewrite them all.
          LLMCTL_NODE_EXECUTOR_K8S_NAMESPACE: this.args.namespace,
        },
      },
      { parent: this },
    );
  }

  private createSecret(): k8s.core.v1.Secret {
    return new k8s.core.v1.Secret(
      `${this.name}-secret`,
      {
        metadata: this.metadata,
        type: "Opaque",
        stringData: pulumi.secret(this.args.secrets),
      },
      { parent: this },
    );
  }

  private createNetworkPolicy(): k8s.networking.v1.NetworkPolicy {
    return new k8s.networking.v1.NetworkPolicy(
      this.name,
      {
        metadata: { ...this.metadata, name: this.args.serviceName },
        spec: {
          // By the public labels, so that a probe Job with Studio's labels has Studio's way out.
          podSelector: { matchLabels: selectorLabels(this.labels) },
          policyTypes: ["Ingress", "Egress"],
          ingress: [{ ports: [{ protocol: "TCP", port: this.args.port }] }],
          egress: [{}],
        },
      },
      { parent: this },
    );
  }

  private createDeployment(
    settings: k8s.core.v1.ConfigMap,
    secret: k8s.core.v1.Secret,
  ): k8s.apps.v1.Deployment {
    const generation = pulumi.output(this.args.generation).apply(String);
    const http = (path: string): k8s.types.input.core.v1.Probe => ({
      httpGet: { path, port: "http" },
    });
    const rolloutSeconds = this.args.rolloutSeconds ?? defaultRolloutSeconds;
    const args = transformed<k8s.apps.v1.DeploymentArgs>(
      `Studio ${this.name}`,
      "deployment",
      {
        metadata: { ...this.metadata, name: this.args.serviceName },
        spec: {
          replicas: this.args.replicas ?? 1,
          revisionHistoryLimit: 2,
          progressDeadlineSeconds: rolloutSeconds,
          selector: { matchLabels: this.selector },
          strategy: gentleRollout,
          template: {
            metadata: {
              labels: {
                ...this.metadata.labels,
                ...this.selector,
                [generationLabel]: generation,
              },
              annotations: { [generationLabel]: generation },
            },
            spec: hardenedPod({
              container: {
                name: "studio",
                image: this.args.image,
                ports: [{ name: "http", containerPort: this.args.port, protocol: "TCP" }],
                envFrom: [
                  { configMapRef: { name: settings.metadata.name } },
                  { secretRef: { name: secret.metadata.name } },
                ],
                ...trustEnv(this.args.trust),
                resources: this.args.resources ?? {
                  requests: { cpu: "50m", memory: "256Mi" },
                  limits: { cpu: "2", memory: "1Gi" },
                },
                startupProbe: { ...http("/healthz"), periodSeconds: 2, failureThreshold: 60 },
                readinessProbe: { ...http("/ready"), periodSeconds: 2, timeoutSeconds: 3 },
                livenessProbe: { ...http("/healthz"), periodSeconds: 10, timeoutSeconds: 5 },
              },
              serviceAccountName: this.args.serviceAccountName ?? this.args.serviceName,
              user: defaultUser,
              writable: this.args.writable ?? [],
              imagePullSecrets: this.args.imagePullSecrets ?? [],
              ...trustMounts(this.args.trust),
              graceSeconds: 25,
            }),
          },
        },
      },
      this.args.transform?.deployment,
    );
    return new k8s.apps.v1.Deployment(this.name, args, {
      parent: this,
      customTimeouts: rolloutTimeouts(rolloutSeconds, this.args.replicas ?? 1),
    });
  }

  private createService(): k8s.core.v1.Service {
    return new k8s.core.v1.Service(
      this.name,
      transformed<k8s.core.v1.ServiceArgs>(
        `Studio ${this.name}`,
        "service",
        {
          metadata: {
            ...this.metadata,
            name: this.args.serviceName,
            annotations: { "pulumi.com/skipAwait": "true" },
          },
          spec: {
            type: "ClusterIP",
            selector: this.selector,
            ports: [{ name: "http", port: this.args.port, targetPort: "http", protocol: "TCP" }],
          },
        },
        this.args.transform?.service,
      ),
      { parent: this },
    );
  }
}
