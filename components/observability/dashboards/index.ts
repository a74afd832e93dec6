import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";

import { cutoverDashboard } from "./cutover";
import { fleetDashboard } from "./fleet";
import { meshDashboard } from "./mesh";
import { serverDashboard } from "./server";

/** The dashboards of a fleet by file name, as Grafana reads them. */
export function dashboards(): Readonly<Record<string, Dashboard>> {
  return {
    "mcp-fleet": fleetDashboard().build(),
    "mcp-server": serverDashboard().build(),
    "mcp-cutover": cutoverDashboard().build(),
    "mcp-mesh": meshDashboard().build(),
  };
}
