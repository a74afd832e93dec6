import { agentStatuses, type MetricDefinition, observerMetrics } from "@mcp-fleet/metrics";
import { Gauge, Registry } from "prom-client";

import type { Observation } from "./observe";

type Metrics = Readonly<Record<keyof typeof observerMetrics, Gauge>>;

/** The metrics of the process: the last observation only. */
export class Recorder {
  readonly registry = new Registry();
  private readonly gauges: Metrics;

  constructor() {
    const entries = Object.entries(observerMetrics as Record<string, MetricDefinition>);
    this.gauges = Object.fromEntries(
      entries.map(([key, { name, help, labels }]) => [
        key,
        new Gauge({ name, help, labelNames: [...labels], registers: [this.registry] }),
      ]),
    ) as unknown as Metrics;
  }

  /** A source that could not be read keeps its last values; `observed` says that they are old. */
  record(seen: Observation): void {
    for (const [source, up] of Object.entries(seen.up)) this.set("observed", { source }, up);
    if (seen.servers !== undefined) this.recordServers(seen.servers, seen);
    if (seen.registryUp !== undefined) this.set("registryUp", {}, seen.registryUp);
    if (seen.agents !== undefined) this.recordAgents(seen.agents);
    for (const one of seen.declared ?? []) {
      this.set("agentAvailable", { agent: one.name }, one.status.healthy > 0);
      this.set("agentUnresolved", { agent: one.name }, one.status.unresolvedDependencies);
    }
    for (const { endpoint, end } of seen.certificates) {
      this.set("certificateRead", { endpoint }, end !== undefined);
      if (end !== undefined) this.set("certificateExpiry", { endpoint }, end);
    }
  }

  private recordServers(servers: NonNullable<Observation["servers"]>, seen: Observation): void {
    this.gauges.restarts.reset();
    for (const { server, wanted, ready, failed, restarts } of servers) {
      this.set("podsWanted", { server }, wanted);
      this.set("podsReady", { server }, ready);
      this.set("rolloutFailed", { server }, failed);
      for (const [pod, count] of Object.entries(restarts))
        this.set("restarts", { server, pod }, count);
    }
    const { application, generation } = seen;
    this.gauges.applicationGeneration.reset();
    if (generation !== undefined) this.set("applicationGeneration", { application }, generation);
  }

  private recordAgents(agents: NonNullable<Observation["agents"]>): void {
    this.gauges.agentAvailable.reset();
    this.gauges.agentUnresolved.reset();
    for (const status of agentStatuses) {
      const known = (text: string): string =>
        (agentStatuses as readonly string[]).includes(text) ? text : "unknown";
      this.set("agents", { status }, agents.filter((one) => known(one.status) === status).length);
    }
  }

  private set(
    metric: keyof Metrics,
    labels: Readonly<Record<string, string>>,
    value: number | boolean,
  ): void {
    this.gauges[metric].set({ ...labels }, Number(value));
  }
}
