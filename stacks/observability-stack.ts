import type * as pulumi from "@pulumi/pulumi";

import {
  type AlertThresholds,
  defaultThresholds,
  FleetObserver,
  Observability,
} from "../components/observability";
import type { StackConfig } from "./config";
import type { Mesh } from "./mesh-stack";

/** Monitors, alerts and dashboards, and the observer that measures what no server says of itself. */
export function observe(
  config: StackConfig,
  mesh: Mesh | undefined,
  opts: pulumi.ComponentResourceOptions,
): void {
  const { settings, servers } = config;
  const { observability, namespace, application } = settings;
  if (!observability.enabled) return;
  new Observability(
    application,
    {
      namespace,
      application,
      intervalSeconds: observability.intervalSeconds,
      labels: observability.labels,
      thresholds: thresholdsOf(observability.thresholds),
      prometheusOperator: observability.prometheusOperator,
      dashboards: observability.dashboards.enabled,
      dashboardLabels: observability.dashboards.labels,
    },
    opts,
  );
  const { observer, scrapers } = observability;
  if (observer === undefined) return;
  new FleetObserver(
    `${application}-observer`,
    {
      namespace,
      application,
      image: observer.image,
      servers: Object.fromEntries(servers.map((server) => [server.key, server.serviceName])),
      certificates: observer.certificates,
      ...(scrapers === undefined ? {} : { scrapers }),
      ...(mesh === undefined ? {} : { registry: mesh.registry }),
      imagePullSecrets: settings.imagePullSecrets,
      networkPolicy: settings.network.isolate !== "none",
    },
    opts,
  );
}

/** What the stack says, and the defaults for the rest. */
function thresholdsOf(
  own: StackConfig["settings"]["observability"]["thresholds"],
): AlertThresholds {
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  return { ...defaultThresholds, ...(Object.fromEntries(given) as Partial<AlertThresholds>) };
}
