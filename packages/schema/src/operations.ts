import { z } from "zod";

import { annotations, cidr, labelKey, labels, objectName, replicas, wholeSeconds } from "./fields";
import { affinity, patch, toleration } from "./placement";

const firstNodePort = 31000;
const lastNodePort = 31999;
const nodePortRule = `must be from ${firstNodePort} to ${lastNodePort}`;
/** The default target of an autoscaler, in percent of the requested CPU. */
const defaultCpuPercent = 70;

const percent = z.int().min(1, "must be from 1 to 100").max(100, "must be from 1 to 100");

/** A patch that every object accepts, for examples. */
const annotated = { metadata: { annotations: { "example.com/team": "tools" } } };

const autoscaling = z
  .strictObject({
    minReplicas: z
      .int()
      .min(1)
      .default(1)
      .meta({ description: "How few pods there may be.", examples: [2] }),
    maxReplicas: z
      .int()
      .min(1)
      .max(replicas.maxValue ?? 100)
      .meta({ description: "How many pods there may be at most.", examples: [6] }),
    cpuPercent: percent.optional().meta({
      description: `CPU that pods use on average, in percent of their request. Default ${defaultCpuPercent} where memoryPercent is not set either.`,
      examples: [70],
    }),
    memoryPercent: percent.optional().meta({
      description: "Memory that pods use on average, in percent of their request.",
      examples: [80],
    }),
  })
  // The CPU is the default measure.
  .transform((scaling) =>
    (scaling.cpuPercent ?? scaling.memoryPercent) === undefined
      ? { ...scaling, cpuPercent: defaultCpuPercent }
      : scaling,
  );

const disruptionBudget = z.strictObject({
  maxUnavailable: z
    .int()
    .min(1)
    .default(1)
    .meta({ description: "How many pods may be missing during a drain.", examples: [1] }),
});

const service = z.strictObject({
  type: z.enum(["ClusterIP", "NodePort", "LoadBalancer"]).meta({
    description: "ClusterIP is not reached from outside of the cluster.",
    examples: ["LoadBalancer"],
  }),
  nodePort: z
    .int()
    .min(firstNodePort, nodePortRule)
    .max(lastNodePort, nodePortRule)
    .optional()
    .meta({
      description: "Port on every node. Default: the cluster chooses one.",
      examples: [31100],
    }),
  sourceRanges: z
    .array(cidr)
    .optional()
    .meta({
      description: "Addresses that may call, as the pods see them. Default: none.",
      examples: [["10.0.0.0/8"]],
    }),
  externalTrafficPolicy: z
    .enum(["Local", "Cluster"])
    .optional()
    .meta({
      description:
        "Local: only nodes with a pod take calls, and pods see who calls; Cluster: every node. Default Local for a LoadBalancer, Cluster for a NodePort.",
      examples: ["Local"],
    }),
  annotations: annotations.optional().meta({
    description: "Annotations of the Service, for the cloud's load balancer.",
    examples: [{ "networking.gke.io/load-balancer-type": "Internal" }],
  }),
});

const transform = z.strictObject({
  deployment: patch.optional().meta({
    description: "Into its Deployment.",
    examples: [{ spec: { template: { spec: { dnsPolicy: "ClusterFirst" } } } }],
  }),
  statefulSet: patch.optional().meta({
    description: "Into its StatefulSet, which it is where a volume has a claimTemplate.",
    examples: [{ spec: { minReadySeconds: 10 } }],
  }),
  service: patch.optional().meta({
    description: "Into its Service.",
    examples: [{ spec: { sessionAffinity: "ClientIP" } }],
  }),
  serviceAccount: patch.optional().meta({
    description: "Into its ServiceAccount, if one is created.",
    examples: [annotated],
  }),
  configMap: patch.optional().meta({
    description: "Into the ConfigMap with its code.",
    examples: [annotated],
  }),
  externalSecret: patch.optional().meta({
    description: "Into the object from which an operator creates its Secret.",
    examples: [annotated],
  }),
  networkPolicy: patch.optional().meta({
    description: "Into its NetworkPolicy, which becomes no wider by it.",
    examples: [annotated],
  }),
  fqdnPolicy: patch.optional().meta({
    description: "Into the CiliumNetworkPolicy of egress.fqdns, which becomes no wider by it.",
    examples: [annotated],
  }),
  autoscaler: patch.optional().meta({
    description: "Into its HorizontalPodAutoscaler.",
    examples: [{ spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 600 } } } }],
  }),
  disruptionBudget: patch.optional().meta({
    description: "Into its PodDisruptionBudget.",
    examples: [annotated],
  }),
});

/** How a server runs: replicas, nodes, termination, Service. */
export const operations = {
  autoscaling: autoscaling.optional().meta({
    description:
      "Replicas by load; not for a server with sessions. Without a measure 70 percent of the CPU request.",
    examples: [{ minReplicas: 2, maxReplicas: 6, cpuPercent: 70 }],
  }),
  disruptionBudget: disruptionBudget.optional().meta({
    description: "How many pods a drain may evict at once; only with more than one replica.",
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
      description:
        "How long a pod that is to go still serves, in seconds; 0 for not at all. Default 5.",
      examples: [5],
    }),
  terminationGraceSeconds: wholeSeconds
    .min(1)
    .optional()
    .meta({
      description:
        "How long a pod may take to go, in seconds, preStopSeconds included. Default 10 more than those.",
      examples: [30],
    }),
  service: service.optional().meta({
    description: `How clients outside of the cluster reach it. A NodePort is from ${firstNodePort} to ${lastNodePort}, and sourceRanges say who may call.`,
    examples: [{ type: "LoadBalancer", sourceRanges: ["10.0.0.0/8"] }],
  }),
  transform: transform.optional().meta({
    description:
      "Parts of Kubernetes objects, merged into ours last; lists are merged by their key, as kubectl does. No pod becomes weaker, no policy wider and no object another one by it.",
    examples: [{ deployment: annotated }],
  }),
};
