import type * as k8s from "@kubernetes/client-node";

import type { Kube } from "../connect";
import { autoscalerOf, autoscalersByTarget } from "./autoscaler";
import {
  autoscalersIn,
  ifAllowed,
  serverDeployments,
  serverStatefulSets,
  servicesIn,
} from "./lists";
import { uniqueNames } from "./names";
import { labelsOf, leadsTo, servicesByWorkload } from "./selection";
import { type Server, serverOf } from "./server";
import type { Surroundings } from "./surroundings";
import { kindOf, type Workload } from "./workload";

/** The servers of a namespace. */
export interface ServersSeen {
  /** By name. */
  readonly servers: readonly Server[];
  /** What the account may not list, so that less is known: the API's words. */
  readonly unseen: readonly string[];
}

/**
 * The MCP servers of a namespace: what every verb means by them. One list in pages for each of the four kinds, at the same
 * time.
 * @throws {ApiError} {UnreachableError}; without the right to list StatefulSets or autoscalers less is known
 */
export async function readServers(kube: Kube, namespace: string): Promise<ServersSeen> {
  const unseen: string[] = [];
  const note = (problem: string): void => void unseen.push(problem);
  const [deployments, statefulSets, services, autoscalers] = await Promise.all([
    serverDeployments(kube, namespace),
    ifAllowed(serverStatefulSets(kube, namespace), note),
    servicesIn(kube, namespace),
    ifAllowed(autoscalersIn(kube, namespace), note),
  ]);
  return { servers: serversOf([...deployments, ...statefulSets], services, autoscalers), unseen };
}

/**
 * Puts the servers of a namespace together, by name.
 * @param workloads Deployments and StatefulSets with the label of a server, each with its kind
 */
export function serversOf(
  workloads: readonly Workload[],
  services: readonly k8s.V1Service[],
  autoscalers: readonly k8s.V2HorizontalPodAutoscaler[] = [],
): Server[] {
  const names = uniqueNames(workloads);
  const leading = servicesByWorkload(workloads, services);
  const scaled = autoscalersByTarget(autoscalers);
  const behind = new Map<k8s.V1Service, Workload[]>();
  for (const [workload, own] of leading) {
    for (const service of own) {
      const others = behind.get(service);
      if (others === undefined) behind.set(service, [workload]);
      else others.push(workload);
    }
  }
  return workloads
    .map((workload, index) => {
      const autoscaler = scaled.get(`${kindOf(workload)}/${workload.metadata?.name}`);
      const around: Surroundings = {
        services,
        behind: (service) => behind.get(service) ?? [],
        ...(autoscaler === undefined ? {} : { autoscaler }),
      };
      return serverOf(workload, names[index] ?? "", leading.get(workload) ?? [], around);
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * One server of which the workload is known. Other servers are looked at where the account may list them.
 * @throws {ApiError} {UnreachableError}
 */
export async function readServerOf(
  kube: Kube,
  namespace: string,
  workload: Workload,
): Promise<Server> {
  const [services, autoscalers, deployments, statefulSets] = await Promise.all([
    servicesIn(kube, namespace),
    ifAllowed(autoscalersIn(kube, namespace)),
    ifAllowed(serverDeployments(kube, namespace)),
    ifAllowed(serverStatefulSets(kube, namespace)),
  ]);
  const isOther = ({ kind, metadata }: Workload): boolean =>
    kind !== workload.kind || metadata?.name !== workload.metadata?.name;
  const others = [...deployments, ...statefulSets].filter(isOther);
  const [name = ""] = uniqueNames([workload, ...others]);
  const leading = servicesByWorkload([workload], services).get(workload) ?? [];
  const autoscaler = autoscalerOf(workload, autoscalers);
  return serverOf(workload, name, leading, {
    services,
    behind: (service) => others.filter((other) => leadsTo(service, labelsOf(other))),
    ...(autoscaler === undefined ? {} : { autoscaler }),
  });
}
