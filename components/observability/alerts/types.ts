/** One alerting rule, as Prometheus takes it. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  /** How long it must hold before it fires, as Prometheus writes durations. */
  readonly for: string;
  readonly labels: { readonly severity: "critical" | "warning" };
  readonly annotations: { readonly summary: string; readonly description: string };
}

/** Rules that are evaluated together. */
export interface AlertGroup {
  readonly name: string;
  readonly rules: readonly AlertRule[];
}

/** When an alert fires. */
export interface AlertThresholds {
  /** A probe that takes longer is slow, in seconds. */
  readonly probeSeconds: number;
  /** Restarts of one server within 15 minutes that are too many. */
  readonly restarts: number;
  /** How long a server may be unready, unverified or short of tools, in minutes. */
  readonly serverMinutes: number;
  /** How long a rollout may take after the rows' COMMIT, in minutes. */
  readonly settleMinutes: number;
  /** How old the last check of rows and servers may be, in minutes. */
  readonly checkMinutes: number;
  /** How long a declared agent may be away, in minutes: longer than the registry takes to notice and a pod to start. */
  readonly agentMinutes: number;
  /** Days before the end of a certificate. */
  readonly certificateDays: number;
}

/** Sized for checks every minute and servers that start within a minute. */
export const defaultThresholds: AlertThresholds = {
  probeSeconds: 2,
  restarts: 3,
  serverMinutes: 5,
  settleMinutes: 15,
  checkMinutes: 60,
  agentMinutes: 3,
  certificateDays: 14,
};
