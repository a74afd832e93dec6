import type { MetricDefinition } from "./definition";

/**
 * The observer pod's metrics: the state of the fleet's pods, the mesh's agents and the watched certificates, as
 * reported by Kubernetes, the registry and the endpoints. `server` is the server's key, `agent` the name of an
 * MCPAgent object.
 */
export const observerMetrics = {
  podsWanted: {
    name: "mcp_server_pods_wanted",
    help: "Replicas the server's Deployment or StatefulSet asks for",
    labels: ["server"],
  },
  podsReady: {
    name: "mcp_server_pods_ready",
    help: "Replicas of the server's Deployment or StatefulSet that are ready",
    labels: ["server"],
  },
  /** Old pods may still be ready, so {@link podsReady} alone does not show it. */
  rolloutFailed: {
    name: "mcp_server_rollout_failed",
    help: "Whether the server's newest rollout cannot end as things are (1) or not (0): image, crash, quota, no node",
    labels: ["server"],
  },
  /** Decreases when pods are removed: use `increase`, never the value. */
  restarts: {
    name: "mcp_server_restarts_total",
    help: "Container restarts of each of the server's pods",
    labels: ["server", "pod"],
  },
  /** Lower than the ledger's generation: the rows changed, and the application did not follow. */
  applicationGeneration: {
    name: "mcp_application_generation",
    help: "Lowest cutover generation among the application's running pods",
    labels: ["application"],
  },
  registryUp: {
    name: "mcp_mesh_registry_up",
    help: "Whether the mesh registry answered (1) or not (0)",
    labels: [],
  },
  /** `status` is one of {@link agentStatuses}. */
  agents: {
    name: "mcp_mesh_agents",
    help: "Agent processes the mesh registry knows, by status",
    labels: ["status"],
  },
  agentAvailable: {
    name: "mcp_mesh_agent_available",
    help: "Whether the registry holds a healthy process of the declared agent (1) or not (0)",
    labels: ["agent"],
  },
  agentUnresolved: {
    name: "mcp_mesh_agent_dependencies_unresolved",
    help: "Dependencies of the agent for which the registry knows no provider",
    labels: ["agent"],
  },
  certificateExpiry: {
    name: "mcp_certificate_not_after_timestamp_seconds",
    help: "Unix time at which the certificate of a watched endpoint ends",
    labels: ["endpoint"],
  },
  certificateRead: {
    name: "mcp_certificate_readable",
    help: "Whether the watched endpoint showed a certificate (1) or not (0)",
    labels: ["endpoint"],
  },
  /** `source` is `kubernetes` or `agents` (the MCPAgent objects). 0: the other values from it are old. */
  observed: {
    name: "mcp_fleet_observer_up",
    help: "Whether the observer's last look at a source succeeded (1) or not (0)",
    labels: ["source"],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Values of the label `status` of {@link observerMetrics}.agents. Each series always exists. */
export const agentStatuses = ["healthy", "degraded", "unhealthy", "unknown"] as const;
