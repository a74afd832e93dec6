import { metrics, observerMetrics } from "@mcp-fleet/metrics";

import type { AlertGroup, AlertThresholds } from "./types";

/** The rows and the application that reads them, and whether anybody looks. */
export function cutoverAlerts(thresholds: AlertThresholds): AlertGroup {
  const settle = `${thresholds.settleMinutes}m`;
  const check = metrics.checkTime.name;
  return {
    name: "mcp-fleet-cutover",
    rules: [
      {
        alert: "McpCutoverDrift",
        expr: `sum by (namespace, cutover, kind) (${metrics.driftRows.name}) > 0`,
        for: "10m",
        labels: { severity: "warning" },
        annotations: {
          summary: "{{ $value }} differences of kind {{ $labels.kind }} in {{ $labels.cutover }}",
          description: "Rows, Services and stack no longer agree: mcp-fleet drift lists them.",
        },
      },
      {
        alert: "McpCutoverUnsettled",
        expr: `${metrics.settled.name} == 0`,
        for: settle,
        labels: { severity: "critical" },
        annotations: {
          summary: "The cutover {{ $labels.cutover }} has not settled",
          description:
            "The rows were committed, and old pods or the write fence are still there: run the program again, or roll back.",
        },
      },
      {
        alert: "McpCutoverNotRolledOut",
        expr: `max by (namespace) (${metrics.generation.name}) > on (namespace) min by (namespace) (${observerMetrics.applicationGeneration.name})`,
        for: settle,
        labels: { severity: "critical" },
        annotations: {
          summary: "The application in {{ $labels.namespace }} runs on an older generation",
          description:
            "The run failed after the rows' COMMIT: rows are of generation {{ $value }} and a pod is not.",
        },
      },
      {
        alert: "McpIsolationOpen",
        expr: `max by (namespace, cutover, workload) (${metrics.reachable.name}) == 1`,
        for: "1m",
        labels: { severity: "critical" },
        annotations: {
          summary: "{{ $labels.workload }} takes connections from a pod that no policy lets in",
          description:
            "A NetworkPolicy is gone, or the network plugin enforces none: mcp-fleet verify --deny says which ports are open.",
        },
      },
      {
        alert: "McpCheckFailing",
        expr: `${metrics.checkUp.name} == 0`,
        for: "15m",
        labels: { severity: "warning" },
        annotations: {
          summary: "The check {{ $labels.check }} of {{ $labels.cutover }} cannot be done",
          description: "Database or cluster do not answer it, so what it reported is old.",
        },
      },
      {
        alert: "McpCheckStale",
        expr: `time() - max by (namespace, cutover, check) (${check}) > ${thresholds.checkMinutes * 60}`,
        for: "5m",
        labels: { severity: "warning" },
        annotations: {
          summary: "Nobody has checked {{ $labels.cutover }} for {{ $value | humanizeDuration }}",
          description: "The exporter or the check's CronJob does not run.",
        },
      },
      {
        alert: "McpObserverBlind",
        expr: `${observerMetrics.observed.name} == 0`,
        for: "10m",
        labels: { severity: "warning" },
        annotations: {
          summary: "The observer in {{ $labels.namespace }} cannot see {{ $labels.source }}",
          description: "What its metrics say of this source is old; see the observer's log.",
        },
      },
    ],
  };
}
