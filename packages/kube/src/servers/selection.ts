import type * as k8s from "@kubernetes/client-node";

import { templateOf, type Workload } from "./workload";

type Labels = Readonly<Record<string, string>>;

/** Whether a Service leads to pods with these labels: it has a selector, and they hold all of it. */
export function leadsTo({ spec }: k8s.V1Service, labels: Labels): boolean {
  const selector = selectorOf({ spec });
  return selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
}

/**
 * Which Services lead to which workload's pods. Every Service is compared with the workloads that share its rarest label
 * only, so that a thousand of each are no million comparisons.
 * @returns a list for each workload, as the Services came
 */
export function servicesByWorkload(
  workloads: readonly Workload[],
  services: readonly k8s.V1Service[],
): Map<Workload, k8s.V1Service[]> {
  const byLabel = new Map<string, Workload[]>();
  for (const workload of workloads) {
    for (const pair of Object.entries(labelsOf(workload))) {
      const key = pair.join("=");
      const same = byLabel.get(key);
      if (same === undefined) byLabel.set(key, [workload]);
      else same.push(workload);
    }
  }
  const found = new Map(workloads.map((workload) => [workload, [] as k8s.V1Service[]]));
  for (const service of services) {
    const candidates = selectorOf(service)
      .map((pair) => byLabel.get(pair.join("=")) ?? [])
      .sort((a, b) => a.length - b.length)[0];
    for (const workload of candidates ?? []) {
      if (leadsTo(service, labelsOf(workload))) found.get(workload)?.push(service);
    }
  }
  return found;
}

/** The labels of a workload's pods. */
export function labelsOf(workload: Workload): Labels {
  return templateOf(workload)?.metadata?.labels ?? {};
}

/** An ExternalName is a name in DNS: Kubernetes does not look at its selector. */
function selectorOf({ spec }: Pick<k8s.V1Service, "spec">): [string, string][] {
  return spec?.type === "ExternalName" ? [] : Object.entries(spec?.selector ?? {});
}
