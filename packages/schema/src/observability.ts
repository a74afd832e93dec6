import { z } from "zod";

import { image, labels, objectName } from "./fields";

const minutes = z.number().positive("must be a number of minutes above 0").optional();

/** Thresholds of the alerts. Omitted ones keep their default. */
const thresholds = z.strictObject({
  probeSeconds: z
    .number()
    .positive()
    .optional()
    .meta({
      description: "A probe that takes longer is slow, in seconds. Default 2.",
      examples: [5],
    }),
  restarts: z
    .int()
    .min(0)
    .optional()
    .meta({
      description: "More restarts of one server within 15 minutes are too many. Default 3.",
      examples: [5],
    }),
  serverMinutes: minutes.meta({
    description:
      "How long a server may be unready, unverified or short of tools, in minutes. Default 5.",
    examples: [10],
  }),
  settleMinutes: minutes.meta({
    description: "How long a rollout may take after the rows' COMMIT, in minutes. Default 15.",
    examples: [30],
  }),
  checkMinutes: minutes.meta({
    description: "How old the last check of rows and servers may be, in minutes. Default 60.",
    examples: [120],
  }),
  agentMinutes: minutes.meta({
    description: "How long a declared agent may be away, in minutes. Default 3.",
    examples: [5],
  }),
  certificateDays: z
    .number()
    .positive()
    .optional()
    .meta({
      description: "How many days before its end a certificate is reported. Default 14.",
      examples: [30],
    }),
});

/** An endpoint that presents a certificate. */
const endpoint = z
  .string()
  .regex(
    /^(postgres(ql)?:\/\/)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/,
    "must be host:port, or postgresql://host:port without user and database",
  );

const observer = z.strictObject({
  image: image.meta({
    description: "The image built from images/observer.",
    examples: ["registry.example.com/mcp-observer:0.1.0"],
  }),
  certificates: z
    .array(endpoint)
    .default([])
    .meta({
      description:
        "Whose certificate's end is reported: host:port, or postgresql://host:port for a PostgreSQL server.",
      examples: [["studio.example.com:443", "postgresql://db.example.com:5432"]],
    }),
});

const exporter = z.strictObject({
  image: image.meta({
    description: "The image built from images/mcp-fleet.",
    examples: ["registry.example.com/mcp-fleet:0.1.0"],
  }),
  intervalSeconds: z
    .int()
    .positive()
    .default(300)
    .meta({
      description: "From the end of one round of checks to the start of the next, in seconds.",
      examples: [600],
    }),
  database: z
    .strictObject({
      secret: objectName.meta({
        description: "Name of the Secret, in the servers' namespace.",
        examples: ["mcp-fleet-checks"],
      }),
      key: z
        .string()
        .min(1)
        .default("databaseUrl")
        .meta({ description: "The key in it that holds the URL.", examples: ["databaseUrl"] }),
    })
    .meta({
      description:
        "A Secret that exists, with the address of the database and a login that only reads.",
      examples: [{ secret: "mcp-fleet-checks" }],
    }),
});

/** What Prometheus and Grafana get. */
export const observability = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .meta({ description: "Whether any of this is created.", examples: [true] }),
  prometheusOperator: z
    .boolean()
    .default(true)
    .meta({
      description:
        "Whether ServiceMonitor and PrometheusRule are created; the Prometheus operator brings their definitions.",
      examples: [false],
    }),
  labels: labels.default({}).meta({
    description: "Labels by which the cluster's Prometheus selects monitors and rules.",
    examples: [{ release: "kube-prometheus-stack" }],
  }),
  scrapers: labels.optional().meta({
    description:
      "Labels of the namespace that Prometheus runs in: its pods may read the metrics. Needed with observer or exporter where the namespace is isolated; {} is every namespace.",
    examples: [{ "kubernetes.io/metadata.name": "monitoring" }],
  }),
  intervalSeconds: z
    .int()
    .positive()
    .default(30)
    .meta({
      description: "How often Prometheus reads the metrics, in seconds.",
      examples: [60],
    }),
  thresholds: thresholds.prefault({}).meta({
    description: "When alerts fire; what is left out keeps its default.",
    examples: [{ probeSeconds: 5 }],
  }),
  dashboards: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .meta({ description: "Whether their ConfigMaps are created.", examples: [false] }),
      labels: labels.default({ grafana_dashboard: "1" }).meta({
        description: "Labels by which Grafana's sidecar finds them.",
        examples: [{ grafana_dashboard: "tools" }],
      }),
    })
    .prefault({})
    .meta({
      description: "Grafana's dashboards, a ConfigMap each.",
      examples: [{ enabled: false }],
    }),
  observer: observer.optional().meta({
    description:
      "The pod that reports on pods, agents and certificates. Default: none, and what it measures is not known.",
    examples: [{ image: "registry.example.com/mcp-observer:0.1.0" }],
  }),
  exporter: exporter.optional().meta({
    description: "The pod that runs verify and drift on an interval. Default: none.",
    examples: [
      {
        image: "registry.example.com/mcp-fleet:0.1.0",
        database: { secret: "mcp-fleet-checks" },
      },
    ],
  }),
});
