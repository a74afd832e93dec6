import { metrics, observerMetrics } from "@mcp-fleet/metrics";

import type { AlertGroup, AlertThresholds } from "./types";

/** The MCP servers: do they run, do they answer MCP, as fast and with the tools they had. */
export function serverAlerts(thresholds: AlertThresholds): AlertGroup {
  const minutes = `${thresholds.serverMinutes}m`;
  const { restarts, probeSeconds } = thresholds;
  const ready = observerMetrics.podsReady.name;
  const wanted = observerMetrics.podsWanted.name;
  return {
    name: "mcp-fleet-servers",
    rules: [
      {
        alert: "McpServerNotVerified",
        expr: `min by (namespace, server) (${metrics.verified.name}) == 0`,
        for: minutes,
        labels: { severity: "critical" },
        annotations: {
          summary: "MCP server {{ $labels.server }} fails its check",
          description:
            "It does not answer MCP from a pod with at least one consumer's labels, or lacks a tool it had at the cutover. Rows point at it.",
        },
      },
      {
        alert: "McpServerToolsMissing",
        expr: `max by (namespace, server) (${metrics.missingTools.name}) > 0`,
        for: minutes,
        labels: { severity: "warning" },
        annotations: {
          summary: "MCP server {{ $labels.server }} lost {{ $value }} tools since the cutover",
          description: "Often a credential that ended: a server without one lists fewer tools.",
        },
      },
      {
        alert: "McpServerNotReady",
        expr: `${ready} < ${wanted}`,
        for: minutes,
        labels: { severity: "warning" },
        annotations: {
          summary: "MCP server {{ $labels.server }} has {{ $value }} ready pods, fewer than wanted",
          description: "See the pods' events and their last log.",
        },
      },
      {
        alert: "McpServerRolloutFailed",
        expr: `${observerMetrics.rolloutFailed.name} > 0`,
        for: minutes,
        labels: { severity: "warning" },
        annotations: {
          summary: "The newest rollout of MCP server {{ $labels.server }} cannot end",
          description:
            "Pods of before may serve all the same; mcp-fleet status says what keeps the new ones.",
        },
      },
      {
        alert: "McpServerRestarting",
        expr: `sum by (namespace, server) (increase(${observerMetrics.restarts.name}[15m])) > ${restarts}`,
        for: "0m",
        labels: { severity: "warning" },
        annotations: {
          summary: "MCP server {{ $labels.server }} restarts",
          description: `More than ${restarts} container restarts within 15 minutes; see the log of the container before.`,
        },
      },
      {
        alert: "McpServerProbeSlow",
        expr: `max by (namespace, server) (${metrics.probeDuration.name}) > ${probeSeconds}`,
        for: "15m",
        labels: { severity: "warning" },
        annotations: {
          summary:
            "MCP server {{ $labels.server }} takes {{ $value | humanizeDuration }} to answer",
          description: `initialize and tools/list together take more than ${probeSeconds} s.`,
        },
      },
    ],
  };
}
