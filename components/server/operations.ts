import { authorityText, caAnnotation, pathAnnotation } from "@mcp-fleet/cluster";
import { workloadKind } from "@mcp-fleet/schema";
import type * as k8s from "@pulumi/kubernetes";

import { selectorLabels, serviceUrl } from "../core";
import type { Server } from "./args";

type Labels = Parameters<typeof selectorLabels>[0];
type PodSpec = k8s.types.input.core.v1.PodSpec;

/** What an autoscaler of a server's workload does. */
export function autoscalerSpec(
  target: { readonly kind: "Deployment" | "StatefulSet"; readonly name: string },
  scaling: NonNullable<Server["autoscaling"]>,
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
    scaleTargetRef: { apiVersion: "apps/v1", ...target },
    minReplicas: scaling.minReplicas,
    maxReplicas: scaling.maxReplicas,
    metrics: [...metric("cpu", scaling.cpuPercent), ...metric("memory", scaling.memoryPercent)],
  };
}

/** Counted in pods that may be missing, so that it never blocks a drain when an autoscaler goes down to one. */
export function budgetSpec(
  labels: Labels,
  budget: NonNullable<Server["disruptionBudget"]>,
): k8s.types.input.policy.v1.PodDisruptionBudgetSpec {
  return {
    maxUnavailable: budget.maxUnavailable,
    selector: { matchLabels: selectorLabels(labels) },
    // A pod that is not ready serves nobody and must not hold up a drain either.
    unhealthyPodEvictionPolicy: "AlwaysAllow",
  };
}

/** Fields of a pod that say on which nodes it runs. */
export function placementSpec(labels: Labels, server: Server): Partial<PodSpec> {
  const { spreadOver = [], priorityClass, nodeSelector, tolerations, affinity } = server;
  const constraints = spreadOver.map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selectorLabels(labels) },
    // Counts the pods of one rollout: those on their way out would push new ones together. A StatefulSet's are gone first.
    ...(workloadKind(server) === "StatefulSet" ? {} : { matchLabelKeys: ["pod-template-hash"] }),
  }));
  return {
    priorityClassName: priorityClass,
    nodeSelector,
    tolerations,
    affinity,
    topologySpreadConstraints: constraints.length === 0 ? undefined : constraints,
  };
}

/** Where the server is called within the cluster. */
export function urlOf({ name, namespace, port, path, tls }: Server): string {
  return serviceUrl(name, namespace, port, path, tls !== undefined);
}

/** What a Service tells of how to call the server behind it. */
export function addressAnnotations({ path, tls }: Pick<Server, "path" | "tls">): {
  [name: string]: string;
} {
  return {
    [pathAnnotation]: path,
    ...(tls?.ca === undefined ? {} : { [caAnnotation]: authorityText(tls.ca) }),
  };
}

/** The Service of the server, within the cluster unless it is exposed. */
export function serviceSpec(labels: Labels, server: Server): k8s.types.input.core.v1.ServiceSpec {
  const { port, service } = server;
  const exposed = service === undefined || service.type === "ClusterIP" ? undefined : service;
  const others = Object.entries(server.ports).map(([name, { port: number }]) => ({
    ...{ name, port: number, targetPort: name, protocol: "TCP" },
  }));
  const http = {
    ...{ name: "http", port, targetPort: "http", protocol: "TCP" },
    // The port keeps its name, by which probes and transforms know it; this says what is spoken there.
    ...(server.tls === undefined ? {} : { appProtocol: "https" }),
  };
  return {
    type: exposed?.type ?? "ClusterIP",
    selector: selectorLabels(labels),
    ports: [{ ...http, nodePort: exposed?.nodePort }, ...others],
    ...(exposed === undefined ? {} : outside(exposed)),
  };
}

function outside(
  service: NonNullable<Server["service"]>,
): Partial<k8s.types.input.core.v1.ServiceSpec> {
  const balanced = service.type === "LoadBalancer";
  const { sourceRanges = [] } = service;
  return {
    // A load balancer knows the nodes with pods.
    externalTrafficPolicy: service.externalTrafficPolicy ?? (balanced ? "Local" : "Cluster"),
    loadBalancerSourceRanges: balanced && sourceRanges.length > 0 ? sourceRanges : undefined,
  };
}
