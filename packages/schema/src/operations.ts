import { z } from "zod";

import { annotations, cidr, labelKey, labels, objectName, replicas, wholeSeconds } from "./fields";

const firstNodePort = 31000;
const lastNodePort = 31999;
const nodePortRule = `must be from ${firstNodePort} to ${lastNodePort}`;
/** What an autoscaler measures where nothing is said, in percent. */
const defaultCpuPercent = 70;

const percent = z.int().min(1, "must be from 1 to 100").max(100, "must be from 1 to 100");

const toleration = z
  .strictObject({
    key: labelKey.optional(),
    operator: z.enum(["Exists", "Equal"]).optional(),
    value: z.string().optional(),
    effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional(),
    tolerationSeconds: z.int().optional(),
  })
  .refine(
    ({ key, operator }) => key !== undefined || operator === "Exists",
    'must have a key, or the operator "Exists" for every taint',
  )
  .refine(
    ({ operator, value = "" }) => operator !== "Exists" || value === "",
    'must have no value with the operator "Exists"',
  )
  .refine(
    ({ effect, tolerationSeconds }) => tolerationSeconds === undefined || effect === "NoExecute",
    'must have the effect "NoExecute" where it has tolerationSeconds',
  );

/** A part of a Kubernetes object that is merged into ours. */
export const patch = z.record(z.string(), z.unknown());

const affinity = z.strictObject({
  nodeAffinity: patch.optional(),
  podAffinity: patch.optional(),
  podAntiAffinity: patch.optional(),
});

export const autoscaling = z
  .strictObject({
    minReplicas: z.int().min(1).default(1),
    maxReplicas: z
      .int()
      .min(1)
      .max(replicas.maxValue ?? 100),
    cpuPercent: percent.optional(),
    memoryPercent: percent.optional(),
  })
  // Without a measure the CPU is one.
  .transform((scaling) =>
    (scaling.cpuPercent ?? scaling.memoryPercent) === undefined
      ? { ...scaling, cpuPercent: defaultCpuPercent }
      : scaling,
  );

export const disruptionBudget = z.strictObject({ maxUnavailable: z.int().min(1).default(1) });

const service = z.strictObject({
  type: z.enum(["ClusterIP", "NodePort", "LoadBalancer"]),
  nodePort: z
    .int()
    .min(firstNodePort, nodePortRule)
    .max(lastNodePort, nodePortRule)
    .optional()
    .meta({ examples: [31100] }),
  /** Addresses that may call, as the pods see them. */
  sourceRanges: z.array(cidr).optional(),
  externalTrafficPolicy: z.enum(["Local", "Cluster"]).optional(),
  annotations: annotations.optional(),
});

const transform = z.strictObject({
  deployment: patch.optional(),
  service: patch.optional(),
  serviceAccount: patch.optional(),
  configMap: patch.optional(),
  externalSecret: patch.optional(),
  networkPolicy: patch.optional(),
  fqdnPolicy: patch.optional(),
  autoscaler: patch.optional(),
  disruptionBudget: patch.optional(),
});

/** How a server runs: replicas, nodes, end, Service. */
export const operations = {
  autoscaling: autoscaling.optional().meta({
    description:
      "Replicas by load; not for a server with sessions. Without a measure 70 percent of the CPU request.",
    examples: [{ minReplicas: 2, maxReplicas: 6, cpuPercent: 70 }],
  }),
  disruptionBudget: disruptionBudget.optional().meta({
    description: "How many pods a drain may take away at once; only above one replica.",
    examples: [{ maxUnavailable: 1 }],
  }),
  spreadOver: z
    .array(labelKey)
    .refine((keys) => new Set(keys).size === keys.length, "must name each label once")
    .optional()
    .meta({
      description: "Node labels over which replicas are spread where there is room.",
      examples: [["topology.kubernetes.io/zone"]],
    }),
  priorityClass: objectName
    .optional()
    .meta({ description: "Name of a PriorityClass.", examples: ["high"] }),
  nodeSelector: labels.optional().meta({
    description: "Labels of the nodes that pods run on.",
    examples: [{ "kubernetes.io/arch": "amd64" }],
  }),
  tolerations: z
    .array(toleration)
    .optional()
    .meta({
      description: "Taints that pods put up with.",
      examples: [[{ key: "nvidia.com/gpu", operator: "Exists" }]],
    }),
  affinity: affinity.optional().meta({
    description: "Kubernetes' own affinity, as in a pod's manifest.",
    examples: [
      {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "node-pool", operator: "In", values: ["mcp"] }] },
            ],
          },
        },
      },
    ],
  }),
  preStopSeconds: wholeSeconds
    .min(0)
    .optional()
    .meta({
      description: "How long a pod that is to go still serves; 0 for not at all. Default 5.",
      examples: [5],
    }),
  terminationGraceSeconds: wholeSeconds
    .min(1)
    .optional()
    .meta({
      description:
        "How long a pod may take to go, preStopSeconds included. Default 10 more than those.",
      examples: [30],
    }),
  service: service.optional().meta({
    description: `How clients outside of the cluster reach it. A NodePort is from ${firstNodePort} to ${lastNodePort}, and sourceRanges say who may call.`,
    examples: [{ type: "LoadBalancer", sourceRanges: ["10.0.0.0/8"] }],
  }),
  transform: transform.optional().meta({
    description:
      "Parts of Kubernetes objects, merged into ours last; lists are merged by their key, as kubectl does. No pod becomes weaker, no policy wider and no object another one by it.",
    examples: [{ deployment: { metadata: { annotations: { "example.com/team": "tools" } } } }],
  }),
};
