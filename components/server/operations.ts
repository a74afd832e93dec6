import type * as k8s from "@pulumi/kubernetes";

import { selectorLabels } from "../core";

type Labels = Parameters<typeof selectorLabels>[0];
type PodToleration = k8s.types.input.core.v1.Toleration;
type PodSpec = k8s.types.input.core.v1.PodSpec;

/** Replicas by load. Not for a server that keeps sessions in its process. */
export interface Autoscaling {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Share of the CPU request that the pods are kept at, in percent. */
  readonly cpuPercent?: number | undefined;
  readonly memoryPercent?: number | undefined;
}

/** How many pods a drain may take away at once. */
export interface DisruptionBudget {
  readonly maxUnavailable: number;
}

/** On which nodes the pods run. */
export interface Placement {
  /** Node labels over which replicas are spread where there is room; never a reason not to run. */
  readonly spreadOver?: readonly string[] | undefined;
  readonly priorityClass?: string | undefined;
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
  readonly tolerations?: readonly Toleration[] | undefined;
}

/** A taint the pods put up with. */
export interface Toleration {
  readonly key?: string | undefined;
  readonly operator?: "Exists" | "Equal" | undefined;
  readonly value?: string | undefined;
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute" | undefined;
  readonly tolerationSeconds?: number | undefined;
}

/** How clients outside of the cluster reach the server. */
export interface Exposure {
  readonly type: "NodePort" | "LoadBalancer";
  readonly nodePort?: number | undefined;
  /**
   * Addresses that may call, as the pod sees them: with `externalTrafficPolicy: Cluster` a call through a node
   * comes from that node.
   */
  readonly sourceRanges: readonly string[];
  /** @default "Local" for a load balancer, which knows the nodes with pods; else "Cluster" */
  readonly externalTrafficPolicy?: "Local" | "Cluster" | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** What an autoscaler of the Deployment `name` does. */
export function autoscalerSpec(
  name: string,
  scaling: Autoscaling,
): k8s.types.input.autoscaling.v2.HorizontalPodAutoscalerSpec {
  const metric = (
    resource: string,
    percent: number | undefined,
  ): k8s.types.input.autoscaling.v2.MetricSpec[] => {
    if (percent === undefined) return [];
    const target = { type: "Utilization", averageUtilization: percent };
    return [{ type: "Resource", resource: { name: resource, target } }];
  };
  return {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
    minReplicas: scaling.minReplicas,
    maxReplicas: scaling.maxReplicas,
    metrics: [...metric("cpu", scaling.cpuPercent), ...metric("memory", scaling.memoryPercent)],
  };
}

/** Counted in pods that may be missing, so that it never blocks a drain when an autoscaler goes down to one. */
export function budgetSpec(
  labels: Labels,
  budget: DisruptionBudget,
): k8s.types.input.policy.v1.PodDisruptionBudgetSpec {
  return {
    maxUnavailable: budget.maxUnavailable,
    selector: { matchLabels: selectorLabels(labels) },
    // A pod that is not ready serves nobody and must not hold up a drain either.
    unhealthyPodEvictionPolicy: "AlwaysAllow",
  };
}

/** The placement's half of a pod. */
export function placementSpec(labels: Labels, placement: Placement | undefined): Partial<PodSpec> {
  const { spreadOver = [], priorityClass, nodeSelector, tolerations } = placement ?? {};
  return {
    ...(priorityClass === undefined ? {} : { priorityClassName: priorityClass }),
    ...(nodeSelector === undefined ? {} : { nodeSelector: { ...nodeSelector } }),
    ...(tolerations === undefined
      ? {}
      : { tolerations: tolerations.map((one) => defined(one) as PodToleration) }),
    ...(spreadOver.length === 0
      ? {}
      : {
          topologySpreadConstraints: spreadOver.map((topologyKey) => ({
            maxSkew: 1,
            topologyKey,
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: selectorLabels(labels) },
            // Counts the pods of one rollout: those on their way out would push new ones together.
            matchLabelKeys: ["pod-template-hash"],
          })),
        }),
  };
}

/** The Service of the server, within the cluster unless it is exposed. */
export function serviceSpec(
  labels: Labels,
  port: number,
  exposure: Exposure | undefined,
): k8s.types.input.core.v1.ServiceSpec {
  const nodePort = exposure?.nodePort === undefined ? {} : { nodePort: exposure.nodePort };
  return {
    type: exposure?.type ?? "ClusterIP",
    selector: selectorLabels(labels),
    ports: [{ name: "http", port, targetPort: "http", protocol: "TCP", ...nodePort }],
    ...(exposure === undefined ? {} : outside(exposure)),
  };
}

function outside(exposure: Exposure): Partial<k8s.types.input.core.v1.ServiceSpec> {
  const balanced = exposure.type === "LoadBalancer";
  return {
    externalTrafficPolicy: exposure.externalTrafficPolicy ?? (balanced ? "Local" : "Cluster"),
    ...(balanced && exposure.sourceRanges.length > 0
      ? { loadBalancerSourceRanges: [...exposure.sourceRanges] }
      : {}),
  };
}

function defined<T extends object>(value: T): Partial<T> {
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}
