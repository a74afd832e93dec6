import type { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { metrics, observerMetrics } from "@mcp-fleet/metrics";

import { board, labelVariable, lines, stat } from "./panels";

/** One server, chosen on top. */
export function serverDashboard(): DashboardBuilder {
  const one = '{namespace=~"$namespace", server="$server"}';
  const per = "{{consumer}}";
  return board(
    "mcp-fleet-server",
    "MCP server",
    "One MCP server from a pod with each consumer's labels.",
  )
    .withVariable(labelVariable("namespace", "Namespace", metrics.verified.name).includeAll(true))
    .withVariable(labelVariable("server", "Server", metrics.verified.name))
    .withPanel(stat("Verified", `min(${metrics.verified.name}${one})`, { badBelow: 1 }))
    .withPanel(stat("Tools", `max(${metrics.tools.name}${one})`, { badBelow: 1 }))
    .withPanel(stat("Tools missing", `max(${metrics.missingTools.name}${one})`, { badAbove: 1 }))
    .withPanel(stat("Pods ready", `sum(${observerMetrics.podsReady.name}${one})`, { badBelow: 1 }))
    .withPanel(
      stat("Pods wanted", `sum(${observerMetrics.podsWanted.name}${one})`, { badBelow: 1 }),
    )
    .withPanel(
      stat("Restarts (24 h)", `sum(increase(${observerMetrics.restarts.name}${one}[24h]))`, {
        badAbove: 1,
      }),
    )
    .withPanel(
      lines("Time to answer", `${metrics.probeDuration.name}${one}`, per, { unit: "s", width: 24 }),
    )
    .withPanel(lines("Tools listed", `${metrics.tools.name}${one}`, per))
    .withPanel(lines("Restarts by pod", `${observerMetrics.restarts.name}${one}`, "{{pod}}"));
}
