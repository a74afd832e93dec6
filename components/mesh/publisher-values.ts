import { UserError } from "@mcp-fleet/errors";
import type * as pulumi from "@pulumi/pulumi";

import { dnsEgress } from "../core";
import { environmentVariable } from "../server";
import type { MeshAgentArgs } from "./agent";
import type { MeshRegistryArgs } from "./registry-args";

export type Values = Readonly<Record<string, unknown>>;

/**
 * The values of `mcp-mesh-registry` 3.6 for a registry. Redis and tracing, which the chart enables by default,
 * are off.
 *
 * @throws UserError for PostgreSQL without its host, which the chart's pod waits for
 */
export function registryChartValues(args: MeshRegistryArgs): Values {
  const { storage, port } = args;
  return {
    ...common(args),
    // The registry serves no /metrics, although the chart's annotations say so.
    service: { port, targetPort: port, annotations: { "prometheus.io/scrape": "false" } },
    registry: {
      port,
      database: databaseValues(args),
      logging: { level: args.logLevel ?? "INFO", debug: "false" },
      performance: {
        healthCheckInterval: args.healthCheckSeconds ?? 10,
        timeoutThreshold: args.agentTimeoutSeconds ?? 20,
      },
      observability: { distributedTracing: { enabled: false } },
      redis: { enabled: false },
    },
    ...(storage.kind === "sqlite"
      ? {
          persistence: {
            enabled: true,
            size: storage.size,
            storageClass: storage.storageClass ?? "",
          },
        }
      : {}),
    env: Object.entries(args.env ?? {}).map(([name, value]) => ({ name, value })),
    networkPolicy: {
      enabled: args.networkPolicy !== false,
      ingressPorts: [{ protocol: "TCP", port }],
      egress: [
        ...dnsEgress(args.clusterNetwork?.dns),
        ...(storage.kind === "sqlite" ? [] : [tcp(storage.port)]),
      ],
    },
  };
}

/**
 * The values of `mcp-mesh-agent` 3.6 for an agent.
 *
 * @throws UserError for arguments without a command, which the chart does not support
 */
export function agentChartValues(args: MeshAgentArgs): Values {
  const { port, registryUrl, autoscaling, replicas } = args;
  const registry = new URL(registryUrl);
  return {
    ...common(args),
    replicaCount: replicas ?? autoscaling?.minReplicas ?? 1,
    service: { port, targetPort: port },
    registry: { host: registry.hostname, port: registry.port },
    mesh: { debug: false, logLevel: "INFO", tracingEnabled: false },
    agent: {
      name: args.agentName ?? args.serviceName,
      http: { port },
      ...commandOf(args),
    },
    // The chart's own switch treats false as its default, true.
    env: [
      { name: "MCP_MESH_DISTRIBUTED_TRACING_ENABLED", value: "false" },
      // The kubelet expands it here, but not in the chart's ConfigMap.
      ...(args.advertise === "pod" ? [{ name: "MCP_MESH_HTTP_HOST", value: "$(POD_IP)" }] : []),
      ...Object.entries(args.env ?? {}).map(([name, value]) => environmentVariable(name, value)),
    ],
    ...(args.secret === undefined ? {} : { envFrom: [{ secretRef: { name: args.secret } }] }),
    ...(autoscaling === undefined
      ? {}
      : {
          autoscaling: {
            enabled: true,
            minReplicas: autoscaling.minReplicas,
            maxReplicas: autoscaling.maxReplicas,
            targetCPUUtilizationPercentage: autoscaling.cpuPercent ?? null,
            targetMemoryUtilizationPercentage: autoscaling.memoryPercent ?? null,
          },
        }),
    podDisruptionBudget: {
      enabled: args.disruptionBudget !== undefined,
      minAvailable: null,
      ...args.disruptionBudget,
    },
    networkPolicy: {
      enabled: args.networkPolicy !== false,
      ingressPorts: [{ protocol: "TCP", port }],
      egress: [...dnsEgress(args.clusterNetwork?.dns), tcp(args.registry.port, {}), tcp(port, {})],
    },
  };
}

function common(args: MeshRegistryArgs | MeshAgentArgs): Values {
  return {
    // The pods have it as app.kubernetes.io/name.
    nameOverride: args.serviceName,
    fullnameOverride: args.serviceName,
    image: imageValues(args.image),
    imagePullSecrets: (args.imagePullSecrets ?? []).map((name) => ({ name })),
    resources: args.resources,
  };
}

/** The chart joins both with a colon; a digest contains one itself. */
function imageValues(image: string): Values {
  const colon = image.lastIndexOf(":");
  if (colon <= image.lastIndexOf("/")) return { registry: "", repository: image, tag: "latest" };
  return { registry: "", repository: image.slice(0, colon), tag: image.slice(colon + 1) };
}

function databaseValues({ serviceName, storage }: MeshRegistryArgs): Values {
  if (storage.kind === "sqlite") return { type: "sqlite", path: "/data/registry.db" };
  const { secret, key, host, port } = storage;
  if (host === undefined) {
    throw new UserError(
      `MeshRegistryChart ${serviceName}: [storage.host] is missing; the chart's pod waits for the database to listen there.`,
      "Name the host of the URL in the Secret.",
    );
  }
  return { type: "postgres", host, port, existingSecret: secret, existingSecretUrlKey: key };
}

function commandOf({ serviceName, command, args = [] }: MeshAgentArgs): Values {
  if (command !== undefined) return { command: [...command, ...args] };
  if (args.length === 0) return {};
  throw new UserError(
    `MeshAgentChart ${serviceName}: [args] without [command] are not supported by the publisher's chart.`,
    "Give the whole command.",
  );
}

/** Connections to a port, from anywhere or from the namespace's own pods. */
function tcp(port: pulumi.Input<number>, podSelector?: object): Values {
  const ports = [{ protocol: "TCP", port }];
  return podSelector === undefined ? { ports } : { to: [{ podSelector }], ports };
}
