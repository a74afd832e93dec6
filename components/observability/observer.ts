import { jsonForEnv } from "@mcp-fleet/errors";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import {
  apiServerPorts,
  assertRestricted,
  type ClusterNetwork,
  controlPlaneEgress,
  createAccount,
  defaultUser,
  dnsEgress,
  gentleRollout,
  hardenedPod,
  meshedMetadata,
  objectLabels,
  selectorLabels,
  type ServiceMeshMember,
  serviceUrl,
  withToken,
} from "../core";
import { metricsComponent, metricsLabels, metricsPortName } from "./monitors";

/** Port of the observer's metrics. */
const port = 9464;

/** Arguments of {@link FleetObserver}. */
export interface FleetObserverArgs {
  readonly namespace: string;
  readonly application: string;
  /** The image built from `images/observer`. */
  readonly image: string;
  /** Server key -> name of its Deployment or StatefulSet. */
  readonly servers: Readonly<Record<string, string>>;
  /**
   * Endpoints whose certificates are watched: `host:port` or `postgresql://host:port`.
   * @default none
   */
  readonly certificates?: readonly string[];
  /** The mesh registry. @default there is no mesh */
  readonly registry?: {
    readonly service: string;
    readonly port: number;
    readonly labels: Readonly<Record<string, string>>;
  };
  /** Namespaces, by their labels, whose pods may read the metrics. @default every pod of every namespace */
  readonly scrapers?: Readonly<Record<string, string>>;
  /**
   * The service mesh through which it calls the registry.
   * @default none, or that of its namespace
   */
  readonly serviceMesh?: ServiceMeshMember;
  /** @default as for a server */
  readonly clusterNetwork?: ClusterNetwork;
  readonly imagePullSecrets?: readonly string[];
  /** @default true */
  readonly networkPolicy?: boolean;
}

/**
 * One pod that exports the state of the fleet's pods, the mesh's agents and certificates to Prometheus, and
 * maintains the status of the MCPAgent objects. It reads objects of its own namespace, writes that status, and
 * has no secret.
 */
export class FleetObserver extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:observability:FleetObserver";

  private readonly args: FleetObserverArgs;
  private readonly name: string;
  private readonly labels: { name: string; component: string };
  private readonly metadata: { name: string; namespace: string; labels: Record<string, string> };

  constructor(name: string, args: FleetObserverArgs, opts?: pulumi.ComponentResourceOptions) {
    super(FleetObserver.type, name, { namespace: args.namespace }, opts);
    this.args = args;
    this.name = name;
    const context = metricsLabels(`${args.application}-observer`, args.application);
    this.labels = { name: context.name, component: metricsComponent };
    this.metadata = {
      name: context.name,
      namespace: args.namespace,
      labels: objectLabels(context),
    };

    const rules = observerRules(args.registry !== undefined);
    const access = createAccount(this, name, this.metadata, rules);
    if (args.networkPolicy !== false) this.createNetworkPolicy();
    this.createDeployment(access);
    this.createService();
    this.registerOutputs({});
  }

  private createNetworkPolicy(): k8s.networking.v1.NetworkPolicy {
    const { scrapers, registry, certificates = [], serviceMesh } = this.args;
    const tcp = (number: number): { protocol: string; port: number } => ({
      protocol: "TCP",
      port: number,
    });
    const watched = certificates.map((endpoint) => tcp(portOf(endpoint)));
    return new k8s.networking.v1.NetworkPolicy(
      this.name,
      {
        metadata: this.metadata,
        spec: {
          podSelector: { matchLabels: selectorLabels(this.labels) },
          policyTypes: ["Ingress", "Egress"],
          ingress: [
            {
              from: [
                {
                  namespaceSelector: scrapers === undefined ? {} : { matchLabels: { ...scrapers } },
                },
              ],
              ports: [tcp(port)],
            },
          ],
          egress: [
            ...dnsEgress(this.args.clusterNetwork?.dns),
            { ports: [...apiServerPorts, ...watched] },
            ...(registry === undefined
              ? []
              : [
                  {
                    to: [{ podSelector: { matchLabels: { ...registry.labels } } }],
                    ports: [tcp(registry.port)],
                  },
                ]),
            ...controlPlaneEgress(serviceMesh),
          ],
        },
      },
      { parent: this },
    );
  }

  private createDeployment(dependsOn: pulumi.Resource[]): k8s.apps.v1.Deployment {
    const { namespace, application, image, servers, certificates = [], registry } = this.args;
    const config = {
      ...{ namespace, application, servers, certificates, port },
      ...(registry === undefined
        ? {}
        : { registry: serviceUrl(registry.service, namespace, registry.port, "") }),
    };
    const http = { httpGet: { path: "/healthz", port: metricsPortName } };
    const pod = hardenedPod({
      container: {
        name: "observer",
        image,
        env: [{ name: "OBSERVER_CONFIG", value: jsonForEnv(config) }],
        ports: [{ name: metricsPortName, containerPort: port, protocol: "TCP" }],
        resources: {
          requests: { cpu: "10m", memory: "64Mi" },
          limits: { cpu: "500m", memory: "256Mi" },
        },
        startupProbe: { ...http, periodSeconds: 2, failureThreshold: 30 },
        readinessProbe: { ...http, periodSeconds: 5 },
        livenessProbe: { ...http, periodSeconds: 20, timeoutSeconds: 5 },
      },
      serviceAccountName: this.metadata.name,
      user: defaultUser,
      writable: [],
      imagePullSecrets: this.args.imagePullSecrets ?? [],
      drainSeconds: 0,
      graceSeconds: 10,
    });
    const metadata = meshedMetadata(
      { labels: this.metadata.labels },
      this.args.serviceMesh,
      "caller",
    );
    const template = { metadata, spec: withToken(pod) };
    assertRestricted(`FleetObserver ${this.name}`, template);
    return new k8s.apps.v1.Deployment(
      this.name,
      {
        metadata: this.metadata,
        spec: {
          replicas: 1,
          revisionHistoryLimit: 2,
          selector: { matchLabels: selectorLabels(this.labels) },
          strategy: gentleRollout,
          template,
        },
      },
      { parent: this, dependsOn },
    );
  }

  private createService(): k8s.core.v1.Service {
    return new k8s.core.v1.Service(
      this.name,
      {
        metadata: { ...this.metadata, annotations: { "pulumi.com/skipAwait": "true" } },
        spec: {
          selector: selectorLabels(this.labels),
          ports: [{ name: metricsPortName, port, targetPort: metricsPortName, protocol: "TCP" }],
        },
      },
      { parent: this },
    );
  }
}

/** The observer's rights in its own namespace: read workloads, and with a mesh write the agents' status. */
function observerRules(mesh: boolean): k8s.types.input.rbac.v1.PolicyRule[] {
  const rules = [
    { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
    { apiGroups: ["apps"], resources: ["deployments", "statefulsets"], verbs: ["list"] },
    // Events are the only place that says why a StatefulSet creates no pod.
    { apiGroups: [""], resources: ["events"], verbs: ["list"] },
  ];
  if (!mesh) return rules;
  return [
    ...rules,
    { apiGroups: ["mesh.mcp.io"], resources: ["mcpagents"], verbs: ["list"] },
    { apiGroups: ["mesh.mcp.io"], resources: ["mcpagents/status"], verbs: ["patch"] },
  ];
}

/** The port of a watched endpoint; the schema has validated its format. */
function portOf(endpoint: string): number {
  const url = new URL(endpoint.includes("://") ? endpoint : `tls://${endpoint}`);
  if (url.port !== "") return Number(url.port);
  return url.protocol.startsWith("postgres") ? 5432 : 443;
}
