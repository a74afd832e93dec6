import type { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { metrics, observerMetrics } from "@mcp-fleet/metrics";

import { board, labelVariable, lines, stat, table } from "./panels";

/** The rows, the application that reads them, and the checks on both. */
export function cutoverDashboard(): DashboardBuilder {
  const one = '{cutover="$cutover"}';
  return board("mcp-fleet-cutover", "MCP cutover", "Rows, rollout and drift of one cutover.")
    .withVariable(labelVariable("cutover", "Cutover", metrics.generation.name))
    .withPanel(stat("Generation", `max(${metrics.generation.name}${one})`, { badBelow: 1 }))
    .withPanel(
      stat("Application's generation", `min(${observerMetrics.applicationGeneration.name})`, {
        badBelow: 1,
      }),
    )
    .withPanel(stat("Settled", `min(${metrics.settled.name}${one})`, { badBelow: 1 }))
    .withPanel(stat("Drift", `sum(${metrics.driftRows.name}${one})`, { badAbove: 1 }))
    .withPanel(
      stat("Writes held off by the fence", `max(${metrics.fencedWrites.name}${one})`, {
        badAbove: 1,
      }),
    )
    .withPanel(
      stat("Age of the last check", `time() - min(${metrics.checkTime.name}${one})`, {
        badAbove: 3600,
      }).unit("s"),
    )
    .withPanel(
      table("Drift by kind", `sum by (kind) (${metrics.driftRows.name}${one})`, { badAbove: 1 }),
    )
    .withPanel(table("Checks", `${metrics.checkUp.name}${one}`, { badBelow: 1 }))
    .withPanel(
      lines("Generation and target", `${metrics.generation.name}${one}`, "{{target}}", {
        width: 12,
      }),
    )
    .withPanel(lines("Drift", `sum by (kind) (${metrics.driftRows.name}${one}) > 0`, "{{kind}}"));
}
