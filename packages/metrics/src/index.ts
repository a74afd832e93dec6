import type { MetricDefinition } from "./definition";

export type { MetricDefinition } from "./definition";
export * from "./observer";

/**
 * Every metric of the checks `verify`, `drift` and `isolation`. All are gauges: each check reports the current
 * state. `cutover` is the ledger's name, `<project>/<stack>` unless configured; `server` the server's key;
 * `consumer` the kind of process that asked (`web`, `executor`, or `here`).
 */
export const metrics = {
  /** 1: it answered MCP and lists every tool recorded at the cutover. 0: it did not. */
  verified: {
    name: "mcp_server_verified",
    help: "Whether the server passed its last probe with every tool that the cutover recorded (1) or not (0)",
    labels: ["cutover", "server", "consumer"],
  },
  tools: {
    name: "mcp_server_tools",
    help: "Tools the server listed at its last probe",
    labels: ["cutover", "server", "consumer"],
  },
  missingTools: {
    name: "mcp_server_missing_tools",
    help: "Tools recorded at the cutover that the server does not list any more",
    labels: ["cutover", "server", "consumer"],
  },
  probeDuration: {
    name: "mcp_server_probe_duration_seconds",
    help: "Duration of the last attempt of the last probe",
    labels: ["cutover", "server", "consumer"],
  },
  /** `kind` is one of {@link driftKinds}. Kinds without a finding are 0, so that a sum is never missing a series. */
  driftRows: {
    name: "mcp_cutover_drift_rows",
    help: "Differences between rows, Services and stack outputs, by kind",
    labels: ["cutover", "kind"],
  },
  generation: {
    name: "mcp_cutover_generation",
    help: "Newest generation in the ledger; 0 before the first cutover",
    labels: ["cutover", "target"],
  },
  /** 0 from COMMIT until the last old pod is gone. A lasting 0 means that the rollout hangs. */
  settled: {
    name: "mcp_cutover_settled",
    help: "Whether the newest generation's rollout has ended and its write fence is gone (1) or not (0)",
    labels: ["cutover"],
  },
  fencedWrites: {
    name: "mcp_cutover_fenced_writes",
    help: "Writes of old pods that the newest generation's write fence held off",
    labels: ["cutover"],
  },
  /** `workload` is the Service. 1: a pod that no NetworkPolicy allows could connect. */
  reachable: {
    name: "mcp_isolation_reachable",
    help: "Whether a pod that no NetworkPolicy lets in could connect to the workload (1) or not (0)",
    labels: ["cutover", "workload"],
  },
  /**
   * `check` is `verify`, `drift` or `isolation`. 0: it could not run (no database, no cluster), so the other
   * values are old.
   */
  checkUp: {
    name: "mcp_fleet_check_up",
    help: "Whether the last run of the check could be done (1) or not (0)",
    labels: ["cutover", "check"],
  },
  checkTime: {
    name: "mcp_fleet_check_timestamp_seconds",
    help: "Unix time of the last run of the check that could be done",
    labels: ["cutover", "check"],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Values of the label `kind` of {@link metrics}.driftRows. */
export const driftKinds = [
  "row-changed",
  "row-gone",
  "row-new",
  "row-without-service",
  "service-without-row",
  "service-without-backends",
  "wrong-port",
  "wrong-path",
  "output-differs",
  "stale-header",
] as const;

export type DriftKind = (typeof driftKinds)[number];
