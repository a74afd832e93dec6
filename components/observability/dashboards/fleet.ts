import type { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { metrics, observerMetrics } from "@mcp-fleet/metrics";

import { board, labelVariable, lines, stat, table } from "./panels";

/** All servers at once: the page to open first. */
export function fleetDashboard(): DashboardBuilder {
  const here = '{namespace=~"$namespace"}';
  const verified = `${metrics.verified.name}${here}`;
  const ready = `${observerMetrics.podsReady.name}${here}`;
  const wanted = `${observerMetrics.podsWanted.name}${here}`;
  return board("mcp-fleet-overview", "MCP fleet", "Every MCP server: verified, ready, fast, alike.")
    .withVariable(labelVariable("namespace", "Namespace", metrics.verified.name).includeAll(true))
    .withPanel(
      stat("Servers verified", `count(min by (server) (${verified}) == 1) or vector(0)`, {
        badBelow: 1,
      }),
    )
    .withPanel(
      stat("Servers failing", `count(min by (server) (${verified}) == 0) or vector(0)`, {
        badAbove: 1,
      }),
    )
    .withPanel(
      stat("Pods not ready", `sum(${wanted}) - sum(${ready})`, {
        badAbove: 1,
      }),
    )
    .withPanel(stat("Drift", `sum(${metrics.driftRows.name}${here})`, { badAbove: 1 }))
    .withPanel(
      stat("Tools", `sum(max by (server) (${metrics.tools.name}${here}))`, { badBelow: 1 }),
    )
    .withPanel(stat("Cutover settled", `min(${metrics.settled.name}${here})`, { badBelow: 1 }))
    .withPanel(
      table("Servers as their consumers see them", `min by (server, consumer) (${verified})`, {
        badBelow: 1,
      }),
    )
    .withPanel(table("Ready pods", `sum by (server) (${ready})`, { badBelow: 1 }))
    .withPanel(
      lines(
        "Time to answer initialize and tools/list",
        `max by (server) (${metrics.probeDuration.name}${here})`,
        "{{server}}",
        { unit: "s" },
      ),
    )
    .withPanel(
      lines(
        "Restarts within 15 minutes",
        `sum by (server) (increase(${observerMetrics.restarts.name}${here}[15m]))`,
        "{{server}}",
      ),
    )
    .withPanel(
      table(
        "Reached by a pod that no NetworkPolicy lets in",
        `max by (workload) (${metrics.reachable.name}${here})`,
        { badAbove: 1 },
      ),
    );
}
