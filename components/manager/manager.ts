import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import {
  apiServerPorts,
  assertRestricted,
  type ClusterNetwork,
  createAccount,
  defaultUser,
  dnsEgress,
  gentleRollout,
  hardenedPod,
  objectLabels,
  secretVersionAnnotation,
  selectorLabels,
  serviceUrl,
  withToken,
} from "../core";
import { managerRules } from "./rights";

/**
 * The component label of the manager's pods. It is not that of an MCP server, so the manager neither lists nor
 * stops itself.
 */
export const managerComponent = "resource-manager";

const port = 8080;
const tokenKey = "token";

/** Pods that may call the manager. */
export interface ManagerClient {
  /** Distinguishes its policy from the others. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Labels of their namespace. @default the manager's own namespace */
  readonly namespaceLabels?: Readonly<Record<string, string>> | undefined;
}

/** Arguments of {@link ResourceManager}. */
export interface ResourceManagerArgs {
  readonly namespace: string;
  readonly application: string;
  /** The image built from `images/mcp-fleet`. */
  readonly image: string;
  /** Names of the workloads that it may scale, and whose pods it may delete. */
  readonly servers: readonly string[];
  /** Those of `servers` that are StatefulSets; the others are Deployments. @default none */
  readonly statefulSets?: readonly string[];
  /** Names of the ConfigMaps with authorities of servers that serve TLS. @default none */
  readonly authorities?: readonly string[];
  /**
   * Whether `stop_mcp` accepts `force`. The account may then delete every pod of the namespace.
   * @default false
   */
  readonly forceStop?: boolean;
  /**
   * Whether a server may be scaled to zero. Otherwise there is no `stop_mcp`.
   * @default true
   */
  readonly scaleToZero?: boolean;
  /**
   * An existing Secret with the bearer token.
   * @default one is created, named like the manager, key `token`
   */
  readonly token?: { readonly secret: string; readonly key: string };
  /**
   * A new value creates a new token, if it is created here, and new pods.
   * @default "1"
   */
  readonly tokenVersion?: string;
  /** @default nobody; `kubectl port-forward` works all the same */
  readonly clients?: readonly ManagerClient[];
  /**
   * Whether the namespace isolates its pods, so that clients in it need egress to the manager.
   * @default false
   */
  readonly closedNamespace?: boolean;
  /** @default as for a server */
  readonly clusterNetwork?: ClusterNetwork;
  readonly imagePullSecrets?: readonly string[];
  /** @default true */
  readonly networkPolicy?: boolean;
}

/** The servers' lifecycle as an MCP server of its own: `mcp-fleet serve` in a pod, for the namespace it runs in. */
export class ResourceManager extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:manager:ResourceManager";

  /** The URL for its clients, within the cluster. */
  readonly url: string;
  readonly service: k8s.core.v1.Service;

  private readonly args: ResourceManagerArgs;
  private readonly name: string;
  private readonly labels: { name: string; component: string };
  private readonly metadata: { name: string; namespace: string; labels: Record<string, string> };

  constructor(name: string, args: ResourceManagerArgs, opts?: pulumi.ComponentResourceOptions) {
    super(ResourceManager.type, name, { namespace: args.namespace }, opts);
    this.args = args;
    this.name = name;
    this.labels = { name: `${args.application}-manager`, component: managerComponent };
    this.metadata = {
      name: this.labels.name,
      namespace: args.namespace,
      labels: objectLabels({ ...this.labels, application: args.application }),
    };

    const {
      servers,
      statefulSets = [],
      authorities,
      forceStop = false,
      networkPolicy = true,
    } = args;
    const rules = managerRules({ servers, statefulSets, authorities, forceStop });
    const access = createAccount(this, name, this.metadata, rules);
    const token = args.token === undefined ? this.createToken() : [];
    if (networkPolicy) this.createNetworkPolicies();
    this.createDeployment([...access, ...token]);
    this.service = this.createService();
    this.url = serviceUrl(this.labels.name, args.namespace, port, "/mcp");
    this.registerOutputs({ url: this.url });
  }

  private createToken(): pulumi.Resource[] {
    const token = new random.RandomPassword(
      `${this.name}-token`,
      { length: 40, special: false, keepers: { version: this.tokenVersion() } },
      { parent: this },
    );
    const secret = new k8s.core.v1.Secret(
      this.name,
      {
        metadata: this.metadata,
        type: "Opaque",
        stringData: pulumi.secret({ [tokenKey]: token.result }),
      },
      { parent: this },
    );
    return [secret];
  }

  private tokenVersion(): string {
    return this.args.tokenVersion ?? "1";
  }

  private createNetworkPolicies(): void {
    const { clients = [], closedNamespace = false } = this.args;
    const ports = [{ protocol: "TCP", port }];
    const own = { matchLabels: selectorLabels(this.labels) };
    const from = clients.map(({ labels, namespaceLabels }) => ({
      podSelector: { matchLabels: { ...labels } },
      ...(namespaceLabels === undefined
        ? {}
        : { namespaceSelector: { matchLabels: { ...namespaceLabels } } }),
    }));
    this.createNetworkPolicy(this.name, this.metadata.name, {
      podSelector: own,
      policyTypes: ["Ingress", "Egress"],
      // A rule without peers would allow everybody.
      ingress: from.length === 0 ? [] : [{ from, ports }],
      egress: [{ ports: apiServerPorts }],
    });
    if (!closedNamespace) return;
    for (const { name, labels, namespaceLabels } of clients) {
      if (namespaceLabels !== undefined) continue;
      const suffix = `client-${name}`;
      this.createNetworkPolicy(`${this.name}-${suffix}`, `${this.metadata.name}-${suffix}`, {
        podSelector: { matchLabels: { ...labels } },
        policyTypes: ["Egress"],
        egress: [
          ...dnsEgress(this.args.clusterNetwork?.dns),
          { to: [{ podSelector: own }], ports },
        ],
      });
    }
  }

  private createNetworkPolicy(
    resource: string,
    name: string,
    spec: k8s.types.input.networking.v1.NetworkPolicySpec,
  ): void {
    const metadata = { ...this.metadata, name };
    new k8s.networking.v1.NetworkPolicy(resource, { metadata, spec }, { parent: this });
  }

  private createDeployment(dependsOn: pulumi.Resource[]): k8s.apps.v1.Deployment {
    const { image, token, forceStop = false, scaleToZero = true } = this.args;
    const http = { httpGet: { path: "/healthz", port: "http" } };
    const secretKeyRef =
      token === undefined
        ? { name: this.metadata.name, key: tokenKey }
        : { name: token.secret, key: token.key };
    const pod = hardenedPod({
      container: {
        name: "manager",
        image,
        args: [
          ...["serve", "--http", "--host", "0.0.0.0", "--port", String(port)],
          // The account's right to delete pods cannot be restricted to these.
          `--servers=${this.args.servers.join(",")}`,
          ...(forceStop ? [] : ["--no-force-stop"]),
          ...(scaleToZero ? [] : ["--no-scale-to-zero"]),
        ],
        env: [{ name: "MCP_FLEET_TOKEN", valueFrom: { secretKeyRef } }],
        ports: [{ name: "http", containerPort: port, protocol: "TCP" }],
        resources: {
          requests: { cpu: "10m", memory: "96Mi" },
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
      graceSeconds: 10,
    });
    const template = {
      metadata: {
        labels: this.metadata.labels,
        annotations: { [secretVersionAnnotation]: this.tokenVersion() },
      },
      spec: withToken(pod),
    };
    assertRestricted(`ResourceManager ${this.name}`, template);
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
          ports: [{ name: "http", port, targetPort: "http", protocol: "TCP" }],
        },
      },
      { parent: this },
    );
  }
}
