import { z } from "zod";

import { image, labels, objectName } from "./fields";

const minutes = z.number().positive("must be a number of minutes above 0").optional();

/** When alerts fire; what is left out keeps its default. */
const thresholds = z.strictObject({
  probeSeconds: z.number().positive().optional(),
  restarts: z.int().min(0).optional(),
  serverMinutes: minutes,
  settleMinutes: minutes,
  checkMinutes: minutes,
  agentMinutes: minutes,
  certificateDays: z.number().positive().optional(),
});

/** Something that shows a certificate. */
const endpoint = z
  .string()
  .regex(
    /^(postgres(ql)?:\/\/)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/,
    "must be host:port, or postgresql://host:port without user and database",
  );

const observer = z.strictObject({
  image,
  certificates: z.array(endpoint).default([]),
});

const exporter = z.strictObject({
  /** The image built from images/mcp-fleet. */
  image,
  /** From one round of checks to the next. */
  intervalSeconds: z.int().positive().default(300),
  /** A Secret that exists, with the address of the database and a login that only reads. */
  database: z.strictObject({ secret: objectName, key: z.string().min(1).default("databaseUrl") }),
});

/** What Prometheus and Grafana are told. */
export const observability = z.strictObject({
  enabled: z.boolean().default(false),
  /** Whether ServiceMonitor and PrometheusRule are made. */
  prometheusOperator: z.boolean().default(true),
  /** Labels by which the cluster's Prometheus selects monitors and rules. */
  labels: labels.default({}),
  /** Labels of the namespace that Prometheus runs in. */
  scrapers: labels.optional(),
  intervalSeconds: z.int().positive().default(30),
  thresholds: thresholds.prefault({}),
  dashboards: z
    .strictObject({
      enabled: z.boolean().default(true),
      labels: labels.default({ grafana_dashboard: "1" }),
    })
    .prefault({}),
  /** The pod that reports on pods, agents and certificates. Left out, what it measures is not known. */
  observer: observer.optional(),
  /** The pod that runs verify and drift on an interval. */
  exporter: exporter.optional(),
});
