import type * as k8s from "@kubernetes/client-node";

import { keyAnnotation, pathAnnotation, portAnnotation } from "../names";
import { isHeadless, pathOf } from "./addresses";
import type { Autoscaler } from "./autoscaler";
import { mcpPortOf } from "./mcp-port";
import { changeObstacles, reachObstacles } from "./obstacles";
import type { LeadingService, Surroundings } from "./surroundings";
import { templateOf, type Workload } from "./workload";

/** An MCP server for every command: a Deployment or StatefulSet with the label, and the Services that select its pods. */
export interface Server {
  /** Unique in the namespace: see {@link uniqueNames}. */
  readonly name: string;
  readonly namespace: string;
  readonly workload: Workload;
  /** The Services that select its pods; the first is the one to call. */
  readonly services: readonly LeadingService[];
  readonly autoscaler?: Autoscaler;
  /** Why no client can call it; one of the obstacles. */
  readonly unreachable?: string;
  /** What is in the way of reaching or changing it: a sentence part each, with the objects' names. */
  readonly obstacles: readonly string[];
}

/**
 * Puts a server together.
 * @param leading the Services that select its pods
 */
export function serverOf(
  workload: Workload,
  name: string,
  leading: readonly k8s.V1Service[],
  around: Surroundings,
): Server {
  const template = templateOf(workload);
  const services = leading
    .map((service) => leadingService(service, template))
    .map((one) => ({ one, rank: rankOf(one, workload) }))
    .sort((a, b) => b.rank - a.rank || (nameOf(a.one) < nameOf(b.one) ? -1 : 1))
    .map(({ one }) => one);
  const { autoscaler } = around;
  const reach = reachObstacles(workload, services, around);
  const [first] = services;
  return {
    ...{ name, namespace: workload.metadata?.namespace ?? "", workload, services },
    ...(autoscaler === undefined ? {} : { autoscaler }),
    ...(first !== undefined && isCarrier(first) ? {} : { unreachable: reach[0] ?? "" }),
    obstacles: [...changeObstacles(workload, autoscaler), ...reach],
  };
}

/** The Service to call, where there is one that carries MCP. */
export function carrierOf({
  services,
}: Pick<Server, "services">): Required<Omit<LeadingService, "problem">> | undefined {
  const [first] = services;
  return first !== undefined && isCarrier(first) ? first : undefined;
}

export function isCarrier(
  one: LeadingService,
): one is Required<Omit<LeadingService, "problem">> & LeadingService {
  return one.mcp !== undefined && one.path !== undefined;
}

function leadingService(
  service: k8s.V1Service,
  template: k8s.V1PodTemplateSpec | undefined,
): LeadingService {
  const mcp = mcpPortOf(service, template);
  if ("problem" in mcp) return { service, problem: mcp.problem };
  if (mcp.target === undefined) {
    return {
      service,
      problem: `leads to the container port ${JSON.stringify(mcp.port.targetPort)}, which its pods do not have`,
    };
  }
  const path = pathOf(service);
  if (path !== undefined) return { service, mcp, path };
  const written = service.metadata?.annotations?.[pathAnnotation] ?? "";
  return {
    ...{ service, mcp },
    problem: `has an annotation ${pathAnnotation} that is no path: ${JSON.stringify(written.slice(0, 80))}`,
  };
}

function nameOf({ service }: LeadingService): string {
  return service.metadata?.name ?? "";
}

/** Which of several Services is the one to call; the weights are powers of two, so that each counts more than all after it. */
function rankOf(one: LeadingService, workload: Workload): number {
  const { service, mcp } = one;
  const { annotations = {} } = service.metadata ?? {};
  const annotated = [keyAnnotation, pathAnnotation, portAnnotation].some(
    (key) => key in annotations,
  );
  const named = /mcp/.test(`${mcp?.port.name} ${mcp?.port.targetPort}`);
  return (
    (isCarrier(one) ? 32 : 0) +
    (annotated ? 16 : 0) +
    (named ? 8 : 0) +
    (isHeadless(service) ? 0 : 4) +
    (nameOf(one) === workload.metadata?.name ? 2 : 0) +
    (mcp !== undefined && mcp.others.length === 0 ? 1 : 0)
  );
}
