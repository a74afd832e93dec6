import type * as k8s from "@kubernetes/client-node";

import type { Kube } from "../connect";
import { ApiError, asking, ifThere } from "../errors";
import { getJson } from "../json";
import { serverSelector } from "./names";
import type { Workload, WorkloadKind } from "./workload";

/** Objects of one page of a list. kubectl asks for as many. */
const pageSize = 500;

// Times in these lists are text, as the API writes them.

/** The namespace's Deployments with the label of a server. */
export function serverDeployments(kube: Kube, namespace: string): Promise<Workload[]> {
  return workloads(kube, namespace, "Deployment");
}

/** The namespace's StatefulSets with the label of a server. */
export function serverStatefulSets(kube: Kube, namespace: string): Promise<Workload[]> {
  return workloads(kube, namespace, "StatefulSet");
}

/** All Services of a namespace: those that lead to a server need not have its label. */
export function servicesIn(kube: Kube, namespace: string): Promise<k8s.V1Service[]> {
  return paged(kube, `/api/v1/namespaces/${namespace}/services`, {
    what: `Services in ${namespace}`,
  });
}

/** All pods of a namespace: those of a server need not have its label. */
export function podsIn(kube: Kube, namespace: string): Promise<k8s.V1Pod[]> {
  return paged(kube, `/api/v1/namespaces/${namespace}/pods`, { what: `pods in ${namespace}` });
}

/** The HorizontalPodAutoscalers of a namespace; none where the cluster does not know the kind. */
export async function autoscalersIn(
  kube: Kube,
  namespace: string,
): Promise<k8s.V2HorizontalPodAutoscaler[]> {
  const found = await ifThere(
    paged<k8s.V2HorizontalPodAutoscaler>(
      kube,
      `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`,
      { what: `HorizontalPodAutoscalers in ${namespace}` },
    ),
  );
  return found ?? [];
}

/** The events that say why a StatefulSet has not made its pods: it has no condition for that. */
export function creationEvents(kube: Kube, namespace: string): Promise<k8s.CoreV1Event[]> {
  return paged(kube, `/api/v1/namespaces/${namespace}/events`, {
    what: `events in ${namespace}`,
    fieldSelector: "reason=FailedCreate,involvedObject.kind=StatefulSet",
  });
}

/** The warnings about one object, as whoever acts on it gives them. */
export function warningsAbout(
  kube: Kube,
  { kind, namespace, name }: { kind: string; namespace: string; name: string },
): Promise<k8s.CoreV1Event[]> {
  return paged(kube, `/api/v1/namespaces/${namespace}/events`, {
    what: `events in ${namespace}`,
    fieldSelector: `type=Warning,involvedObject.kind=${kind},involvedObject.name=${name}`,
  });
}

/**
 * What was asked; nothing where the account may not ask.
 * @param onRefused called with the API's reason
 */
export async function ifAllowed<T>(
  asked: Promise<T[]>,
  onRefused: (problem: string) => void = () => undefined,
): Promise<T[]> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    onRefused(error.problem);
    return [];
  }
}

async function workloads(kube: Kube, namespace: string, kind: WorkloadKind): Promise<Workload[]> {
  const found = await paged<Workload>(
    kube,
    `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s`,
    { what: `${kind}s in ${namespace}`, labelSelector: serverSelector },
  );
  return found.map((one) => ({ ...one, kind }));
}

interface Listed {
  readonly what: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** All objects of a list, page by page. */
async function paged<T>(
  kube: Kube,
  path: string,
  { what, labelSelector, fieldSelector }: Listed,
): Promise<T[]> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const query = { limit: pageSize, labelSelector, fieldSelector, continue: next };
    const list = await asking(kube, `list ${what}`, () =>
      getJson<{ items: T[]; metadata?: { continue?: string } }>(kube, path, query),
    );
    items.push(...list.items);
    next = list.metadata?.continue;
  } while (next !== undefined && next !== "");
  return items;
}
