import { componentLabel, partOfLabel } from "@mcp-fleet/kube";

import type { LabelContext } from "../core";

/** How Prometheus finds and reads a Service with metrics. */
export interface MonitorOptions {
  readonly namespace: string;
  readonly application: string;
  readonly intervalSeconds: number;
}

/** The component label of a metrics Service: Services with it and a port `metrics` are scraped. */
export const metricsComponent = "metrics";
/** The port's name in those Services. */
export const metricsPortName = "metrics";

/** Labels of such a Service. */
export function metricsLabels(name: string, application: string): LabelContext {
  return { name, component: metricsComponent, application };
}

/** The spec of the ServiceMonitor: every Service of the application with metrics. */
export function monitorSpec(options: MonitorOptions): Record<string, unknown> {
  return {
    namespaceSelector: { matchNames: [options.namespace] },
    selector: {
      matchLabels: {
        [componentLabel]: metricsComponent,
        [partOfLabel]: options.application,
      },
    },
    endpoints: [
      {
        port: metricsPortName,
        interval: `${options.intervalSeconds}s`,
        // The metrics' own `server`, `pod` and `namespace` are more precise than the exporting pod's.
        honorLabels: true,
      },
    ],
  };
}
