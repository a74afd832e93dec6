import { driftKinds, type MetricDefinition, metrics } from "@mcp-fleet/metrics";
import { Gauge, Registry } from "prom-client";

import type { DriftReport } from "./drift";
import type { IsolationChecked } from "./isolation-check";
import type { VerifyReport } from "./verify";

/** Values of the label `check`. */
export type Check = "verify" | "drift" | "isolation";

/** The gauges of the checks. Series of a removed server disappear with the next report. */
export class CheckMetrics {
  readonly registry = new Registry();
  private readonly gauges = new Map<string, Gauge>();

  constructor(private readonly cutover: string) {
    for (const definition of Object.values<MetricDefinition>(metrics)) {
      const { name, help, labels } = definition;
      const gauge = new Gauge({ name, help, labelNames: labels, registers: [this.registry] });
      this.gauges.set(name, gauge);
    }
  }

  verified(report: VerifyReport): void {
    const { verified, tools, missingTools, probeDuration } = metrics;
    this.reset(verified, tools, missingTools, probeDuration);
    for (const one of report.servers) {
      const labels = { server: one.server, consumer: one.consumer };
      this.set(verified, labels, one.ok ? 1 : 0);
      this.set(tools, labels, one.tools);
      this.set(missingTools, labels, one.missing.length + one.renamed.length);
      this.set(probeDuration, labels, one.latencyMs / 1000);
    }
    this.done("verify");
  }

  drifted(report: DriftReport): void {
    const { driftRows, generation, settled, fencedWrites } = metrics;
    this.reset(driftRows, generation);
    for (const kind of driftKinds) {
      const count = report.findings.filter((finding) => finding.kind === kind).length;
      this.set(driftRows, { kind }, count);
    }
    this.set(generation, { target: report.target }, report.generation);
    this.set(settled, {}, report.settled ? 1 : 0);
    this.set(fencedWrites, {}, report.fencedWrites);
    this.done("drift");
  }

  /** A pod ran this check, so its time counts. */
  isolated({ tried, reachable, at }: IsolationChecked): void {
    this.reset(metrics.reachable);
    for (const workload of tried)
      this.set(metrics.reachable, { workload }, reachable.includes(workload) ? 1 : 0);
    this.done("isolation", at);
  }

  /** The check could not run. Earlier values stay, and their time shows their age. */
  failed(check: Check): void {
    this.set(metrics.checkUp, { check }, 0);
  }

  private done(check: Check, at = Date.now() / 1000): void {
    this.set(metrics.checkUp, { check }, 1);
    this.set(metrics.checkTime, { check }, at);
  }

  private set(metric: MetricDefinition, labels: Record<string, string>, value: number): void {
    this.gauges.get(metric.name)?.set({ cutover: this.cutover, ...labels }, value);
  }

  private reset(...those: MetricDefinition[]): void {
    for (const { name } of those) this.gauges.get(name)?.reset();
  }
}
