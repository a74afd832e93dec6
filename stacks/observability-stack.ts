import { mountedFleet, MountedValues } from "@mcp-fleet/cutover-runner";
import type * as pulumi from "@pulumi/pulumi";

import { selectorLabels } from "../components/core";
import {
  type AlertThresholds,
  defaultThresholds,
  exporterPosition,
  FleetExporter,
  FleetObserver,
  IsolationCheck,
  type IsolationCheckArgs,
  Observability,
} from "../components/observability";
import { studioComponent } from "../components/studio";
import type { StackConfig } from "./config";
import { type ConsumerPosition, databaseRef } from "./cutover-spec";
import type { Moved } from "./cutover-stack";
import { type Mesh, serviceMeshMember } from "./mesh-stack";
import { clusterNetwork } from "./network";

/** Monitors, alerts and dashboards, and the observer that measures what servers do not report. */
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
      servers: Object.fromEntries(servers.map((server) => [server.key, server.name])),
      certificates: observer.certificates,
      scrapers,
      ...(mesh === undefined ? {} : { registry: mesh.registry }),
      ...(settings.mesh === undefined ? {} : serviceMeshMember(settings.mesh)),
      imagePullSecrets: settings.imagePullSecrets,
      ...clusterNetwork(config),
      networkPolicy: settings.network.isolate !== "none",
    },
    opts,
  );
}

/** The exporter as a caller of the servers, unless it uses the application's labels. */
export function exporterCaller({ settings }: StackConfig): ConsumerPosition[] {
  const { observability, studio, application } = settings;
  const asks = observability.enabled && observability.exporter !== undefined && !studio.enabled;
  return asks ? [{ name: "exporter", labels: exporterPosition(application) }] : [];
}

/** The checks of rows and servers, after the rows have moved, with their input from the cutover. */
export function exportChecks(
  { settings }: StackConfig,
  { cutover, spec, probe, targets }: Moved,
  servers: Readonly<Record<string, string>>,
  closed: IsolationCheckArgs["services"],
  opts: pulumi.ComponentResourceOptions,
): void {
  const { namespace, application, observability, studio, target } = settings;
  const { exporter, scrapers } = observability;
  if (!observability.enabled || exporter === undefined) return;
  const isolated = settings.network.isolate !== "none";
  if (isolated) checkIsolation(settings, closed, opts);
  const kept = new MountedValues();
  const mounted = mountedFleet({ spec, targets }, kept);
  const web = selectorLabels({ name: studio.name, component: studioComponent });
  new FleetExporter(
    `${application}-exporter`,
    {
      namespace,
      application,
      image: exporter.image,
      fleet: {
        ...{ target, ...mounted, servers, generation: cutover.generation },
        // As seen from a pod: its own account, and the cluster's addresses of database and servers.
        kubernetes: {},
        database: { ...databaseRef(settings), connect: "direct" },
        probe: { ...probe, from: "here" },
        workloads: studio.enabled ? [{ namespace, deployment: studio.name }] : [],
      },
      database: exporter.database,
      volumes: kept.volumes(),
      mounts: kept.mounts(),
      ...(studio.enabled ? { position: web } : {}),
      intervalSeconds: exporter.intervalSeconds,
      scrapers,
      imagePullSecrets: settings.imagePullSecrets,
      networkPolicy: isolated,
    },
    opts,
  );
}

/** @param closed Services that only their consumers may reach */
function checkIsolation(
  { namespace, application, probe, imagePullSecrets }: StackConfig["settings"],
  closed: IsolationCheckArgs["services"],
  opts: pulumi.ComponentResourceOptions,
): void {
  // Without a probe in the cluster there is no image for the check.
  if (probe.image === undefined) return;
  new IsolationCheck(
    `${application}-isolation-check`,
    {
      ...{ namespace, application, image: probe.image },
      services: closed,
      imagePullSecrets: probe.imagePullSecrets ?? imagePullSecrets,
    },
    opts,
  );
}

/** The stack's thresholds, with defaults for the rest. */
function thresholdsOf(
  own: StackConfig["settings"]["observability"]["thresholds"],
): AlertThresholds {
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  return { ...defaultThresholds, ...(Object.fromEntries(given) as Partial<AlertThresholds>) };
}
