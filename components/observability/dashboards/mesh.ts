import type { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { observerMetrics } from "@mcp-fleet/metrics";

import { board, labelVariable, lines, stat, table } from "./panels";

/** The registry and its agents, and the certificates that are watched. */
export function meshDashboard(): DashboardBuilder {
  const here = '{namespace=~"$namespace"}';
  const m = observerMetrics;
  const agents = (status: string): string =>
    `sum(${m.agents.name}{namespace=~"$namespace", status="${status}"})`;
  return board("mcp-fleet-mesh", "MCP mesh", "Registry, agents and what they depend on.")
    .withVariable(labelVariable("namespace", "Namespace", m.registryUp.name).includeAll(true))
    .withPanel(stat("Registry", `min(${m.registryUp.name}${here})`, { badBelow: 1 }))
    .withPanel(stat("Healthy agents", agents("healthy"), { badBelow: 1 }))
    .withPanel(stat("Unhealthy agents", agents("unhealthy"), { badAbove: 1 }))
    .withPanel(
      stat("Declared and away", `sum(${m.agentAvailable.name}${here} == bool 0)`, { badAbove: 1 }),
    )
    .withPanel(stat("Unresolved", `sum(${m.agentUnresolved.name}${here})`, { badAbove: 1 }))
    .withPanel(
      stat("First certificate ends in", `min(${m.certificateExpiry.name}${here}) - time()`, {
        badBelow: 14 * 86_400,
      }).unit("s"),
    )
    .withPanel(table("Declared agents", `${m.agentAvailable.name}${here}`, { badBelow: 1 }))
    .withPanel(table("Certificates", `${m.certificateRead.name}${here}`, { badBelow: 1 }))
    .withPanel(lines("Agents by status", `sum by (status) (${m.agents.name}${here})`, "{{status}}"))
    .withPanel(lines("Unresolved dependencies", `${m.agentUnresolved.name}${here}`, "{{agent}}"));
}
