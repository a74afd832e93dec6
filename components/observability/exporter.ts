import { componentLabel, nameLabel, partOfLabel } from "@mcp-fleet/kube";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import {
  assertRestricted,
  createAccount,
  defaultUser,
  gentleRollout,
  hardenedPod,
  objectLabels,
  withToken,
  workloadLabel,
} from "../core";
import { metricsLabels, metricsPortName } from "./monitors";

const port = 9108;
const fleetFile = "/fleet/fleet.json";
const fleetKey = "fleet.json";

/** Arguments of {@link FleetExporter}. */
export interface FleetExporterArgs {
  readonly namespace: string;
  readonly application: string;
  /** The image built from `images/mcp-fleet`. */
  readonly image: string;
  /** The cutover as `mcp-fleet describe --in-cluster` writes it. It may contain headers, so it is kept in a Secret. */
  readonly fleet: pulumi.Input<object>;
  /**
   * The files that the cutover's description refers to, and their mounts.
   * @default none
   */
  readonly volumes?: readonly k8s.types.input.core.v1.Volume[];
  readonly mounts?: readonly k8s.types.input.core.v1.VolumeMount[];
  /** An existing Secret with the database's address and a login that only compares (docs/security.md). */
  readonly database: { readonly secret: string; readonly key: string };
  /**
   * Labels that the servers' policies allow: the place it asks from.
   * @default labels of its own
   */
  readonly position?: Readonly<Record<string, string>>;
  /**
   * Pause between two rounds of checks, in seconds.
   * @default 300
   */
  readonly intervalSeconds?: number;
  /** Namespaces, by their labels, whose pods may read the metrics. @default every pod of every namespace */
  readonly scrapers?: Readonly<Record<string, string>>;
  readonly imagePullSecrets?: readonly string[];
  /** @default true */
  readonly networkPolicy?: boolean;
}

/** Labels of an exporter without a consumer's labels; the servers' policies must allow them. */
export function exporterPosition(application: string): Record<string, string> {
  const { name, component } = metricsLabels(`${application}-exporter`, application);
  return { [nameLabel]: name, [componentLabel]: component };
}

/**
 * One pod that runs `verify` and `drift` at an interval and exports the results to Prometheus: `mcp-fleet
 * exporter`. It lists Services and pods of its namespace and reads the database; it changes nothing.
 */
export class FleetExporter extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:observability:FleetExporter";

  private readonly args: FleetExporterArgs;
  private readonly name: string;
  private readonly metadata: { name: string; namespace: string; labels: Record<string, string> };
  /**
   * A label of its own: with a consumer's labels the pod looks like one, and must not be behind the consumer's
   * Services.
   */
  private readonly selector: Record<string, string>;

  constructor(name: string, args: FleetExporterArgs, opts?: pulumi.ComponentResourceOptions) {
    super(FleetExporter.type, name, { namespace: args.namespace }, opts);
    this.args = args;
    this.name = name;
    const context = metricsLabels(`${args.application}-exporter`, args.application);
    this.metadata = {
      name: context.name,
      namespace: args.namespace,
      labels: objectLabels(context),
    };
    this.selector = {
      [partOfLabel]: args.application,
      [workloadLabel]: "exporter",
    };

    const access = createAccount(this, name, this.metadata, [
      { apiGroups: [""], resources: ["services", "pods"], verbs: ["list"] },
      { apiGroups: ["apps"], resources: ["deployments", "statefulsets"], verbs: ["list"] },
    ]);
    const fleet = this.createFleet();
    if (args.networkPolicy !== false) this.createNetworkPolicy();
    this.createDeployment(fleet, access);
    this.createService();
    this.registerOutputs({});
  }

  /** Autonamed: a changed cutover creates a new object, whose name in the template rolls the pod. */
  private createFleet(): k8s.core.v1.Secret {
    const { namespace, labels } = this.metadata;
    return new k8s.core.v1.Secret(
      this.name,
      {
        metadata: { namespace, labels },
        type: "Opaque",
        stringData: pulumi.secret({ [fleetKey]: pulumi.jsonStringify(this.args.fleet) }),
      },
      { parent: this },
    );
  }

  private createNetworkPolicy(): k8s.networking.v1.NetworkPolicy {
    const { scrapers } = this.args;
    const namespaceSelector = scrapers === undefined ? {} : { matchLabels: { ...scrapers } };
    return new k8s.networking.v1.NetworkPolicy(
      this.name,
      {
        metadata: this.metadata,
        spec: {
          podSelector: { matchLabels: this.selector },
          policyTypes: ["Ingress", "Egress"],
          ingress: [{ from: [{ namespaceSelector }], ports: [{ protocol: "TCP", port }] }],
          // Egress to the servers, the API server and the database, wherever it is.
          egress: [{}],
        },
      },
      { parent: this },
    );
  }

  private createDeployment(
    fleet: k8s.core.v1.Secret,
    dependsOn: pulumi.Resource[],
  ): k8s.apps.v1.Deployment {
    const { image, database, intervalSeconds = 300, application, position } = this.args;
    const http = { httpGet: { path: "/healthz", port: metricsPortName } };
    const secretKeyRef = { name: database.secret, key: database.key };
    const pod = hardenedPod({
      container: {
        name: "exporter",
        image,
        args: [
          ...["exporter", "--fleet", fleetFile],
          ...["--port", String(port), "--interval", String(intervalSeconds)],
        ],
        env: [{ name: "MCP_FLEET_DATABASE_URL", valueFrom: { secretKeyRef } }],
        ports: [{ name: metricsPortName, containerPort: port, protocol: "TCP" }],
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
      secretFiles: { secretName: fleet.metadata.name, keys: { [fleetFile]: fleetKey } },
      volumes: this.args.volumes ?? [],
      mounts: this.args.mounts ?? [],
      drainSeconds: 0,
      graceSeconds: 10,
    });
    const labels = {
      ...this.metadata.labels,
      ...(position ?? exporterPosition(application)),
      ...this.selector,
    };
    const template = { metadata: { labels }, spec: withToken(pod) };
    assertRestricted(`FleetExporter ${this.name}`, template);
    return new k8s.apps.v1.Deployment(
      this.name,
      {
        metadata: this.metadata,
        spec: {
          replicas: 1,
          revisionHistoryLimit: 2,
          selector: { matchLabels: this.selector },
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
          selector: this.selector,
          ports: [{ name: metricsPortName, port, targetPort: metricsPortName, protocol: "TCP" }],
        },
      },
      { parent: this },
    );
  }
}
