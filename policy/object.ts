import {
  agentComponent,
  componentLabel,
  mcpServerComponent,
  podTemplateOf,
} from "../components/core";
import type { FleetResource } from "./resource";

export type Fields = Readonly<Record<string, unknown>>;

/** A container of a pod template, as far as the rules look at it. */
export interface Container {
  readonly name?: string;
  readonly image?: string;
  readonly env?: readonly { readonly name?: string; readonly value?: unknown }[];
  readonly resources?: { readonly requests?: Fields; readonly limits?: Fields };
  readonly startupProbe?: unknown;
  readonly readinessProbe?: unknown;
  readonly livenessProbe?: unknown;
}

/** The value at a path; undefined where a part is missing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null ? (inner as Fields)[key] : undefined,
    value,
  );
}

/** Whether it is an object of this kind, in any version of its group. */
export function isKind(resource: FleetResource, kind: string): boolean {
  return resource.type.startsWith("kubernetes:") && resource.type.endsWith(`:${kind}`);
}

/** Whether `labels` contains every pair of `selector`. As in Kubernetes, an empty selector selects everything. */
export function selects(selector: unknown, labels: unknown): boolean {
  const wanted = Object.entries((selector ?? {}) as Fields);
  return wanted.every(([key, value]) => at(labels, key) === value);
}

/** Whether the resource is a workload with long-running pods, which a Service can point to. */
export function isWorkload(resource: FleetResource): boolean {
  return isKind(resource, "Deployment") || isKind(resource, "StatefulSet");
}

/** Whether it is the workload of an MCP server, judging by its pods' labels. The agents of a mesh are servers too. */
export function isMcpServer(resource: FleetResource): boolean {
  const component = at(podLabels(resource), componentLabel);
  return isWorkload(resource) && (component === mcpServerComponent || component === agentComponent);
}

export function podLabels(resource: FleetResource): unknown {
  return at(resource.props, "spec", "template", "metadata", "labels");
}

export function namespaceOf(resource: FleetResource): unknown {
  return at(resource.props, "metadata", "namespace");
}

/** The containers of a workload of any kind, including bare pods, CronJobs, init and ephemeral containers. */
export function containersOf(
  resource: FleetResource,
  lists: readonly string[] = ["containers", "initContainers", "ephemeralContainers"],
): readonly Container[] {
  if (!resource.type.startsWith("kubernetes:")) return [];
  const pod = at(podTemplateOf(resource.props)?.template, "spec");
  return lists.flatMap((field) => {
    const containers = at(pod, field);
    return Array.isArray(containers) ? (containers as Container[]) : [];
  });
}
