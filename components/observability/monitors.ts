import { componentLabel, partOfLabel } from "@mcp-fleet/kube";

import type { LabelContext } from "../core";

/** How Prometheus finds and reads a Service with metrics. */
export interface MonitorOptions {
  readonly namespace: string;
  readonly application: string;
  readonly intervalSeconds: number;
}

/** Role of what serves metrics: the Services with this role and a port `metrics` are read. */
export const metricsComponent = "metrics";
/** The port's name in those Services. */
export const metricsPortName = "metrics";

/** Labels of such a Service. */
export function metricsLabels(name: string, application: string): LabelContext {
  return { name, component: metricsComponent, application };
}

/** What the ServiceMonitor says: every Service of the application that serves metrics. */
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
        // The metrics' own `server`, `pod` and `namespace` say more than the pod that tells them.
        honorLabels: true,
      },
    ],
  };
}
