import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { objectLabels } from "../core";
import { alertGroups, type AlertThresholds } from "./alerts";
import { dashboards } from "./dashboards";
import { metricsComponent, monitorSpec } from "./monitors";

/** Arguments of {@link Observability}. */
export interface ObservabilityArgs {
  readonly namespace: string;
  readonly application: string;
  /**
   * The scrape interval in seconds.
   * @default 30
   */
  readonly intervalSeconds?: number;
  /** Labels by which the cluster's Prometheus selects monitors and rules. @default none */
  readonly labels?: Readonly<Record<string, string>>;
  readonly thresholds?: AlertThresholds;
  /**
   * Whether ServiceMonitor and PrometheusRule are created; the Prometheus operator brings their definitions.
   * @default true
   */
  readonly prometheusOperator?: boolean;
  /** Labels by which Grafana finds the dashboards. @default {"grafana_dashboard": "1"} */
  readonly dashboardLabels?: Readonly<Record<string, string>>;
  /**
   * Whether the dashboards' ConfigMaps are created.
   * @default true
   */
  readonly dashboards?: boolean;
}

/** What Prometheus and Grafana need for a fleet: scrape targets, alerts and dashboards. */
export class Observability extends pulumi.ComponentResource {
  static readonly type = "mcp-fleet:observability:Observability";

  private readonly args: ObservabilityArgs;
  private readonly name: string;

  constructor(name: string, args: ObservabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    super(Observability.type, name, { namespace: args.namespace }, opts);
    this.args = args;
    this.name = name;
    if (args.prometheusOperator !== false) {
      this.createMonitor();
      this.createRules();
    }
    if (args.dashboards !== false) this.createDashboards();
    this.registerOutputs({});
  }

  private createMonitor(): k8s.apiextensions.CustomResource {
    const { namespace, application, intervalSeconds = 30 } = this.args;
    return this.customResource("ServiceMonitor", "metrics", {
      spec: monitorSpec({ namespace, application, intervalSeconds }),
    });
  }

  private createRules(): k8s.apiextensions.CustomResource {
    return this.customResource("PrometheusRule", "alerts", {
      spec: { groups: alertGroups(this.args.thresholds) },
    });
  }

  private customResource(
    kind: "ServiceMonitor" | "PrometheusRule",
    suffix: string,
    body: { readonly spec: Record<string, unknown> },
  ): k8s.apiextensions.CustomResource {
    return new k8s.apiextensions.CustomResource(
      `${this.name}-${suffix}`,
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind,
        metadata: this.metadata(suffix, this.args.labels ?? {}),
        ...body,
      },
      { parent: this },
    );
  }

  /** One ConfigMap each: together they would approach the size limit. */
  private createDashboards(): void {
    for (const [file, dashboard] of Object.entries(dashboards())) {
      new k8s.core.v1.ConfigMap(
        `${this.name}-dashboard-${file}`,
        {
          metadata: this.metadata(
            `dashboard-${file}`,
            this.args.dashboardLabels ?? { grafana_dashboard: "1" },
          ),
          data: { [`${file}.json`]: JSON.stringify(dashboard) },
        },
        { parent: this },
      );
    }
  }

  private metadata(
    suffix: string,
    extra: Readonly<Record<string, string>>,
  ): { name: string; namespace: string; labels: Record<string, string> } {
    const { application, namespace } = this.args;
    const name = `${application}-${suffix}`;
    const labels = objectLabels({ name, component: metricsComponent, application });
    return { name, namespace, labels: { ...labels, ...extra } };
  }
}
