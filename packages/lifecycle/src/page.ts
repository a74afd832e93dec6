import type * as k8s from "@kubernetes/client-node";
import { asking, getJson, type Kube, serverSelector } from "@mcp-fleet/kube";

/** Objects of one page of a list. kubectl asks for as many. */
const pageSize = 500;

/** The namespace's Deployments with the label of a server. Times in these lists are text, as the API writes them. */
export function serversIn(kube: Kube, namespace: string): Promise<k8s.V1Deployment[]> {
  return paged(kube, `/apis/apps/v1/namespaces/${namespace}/deployments`, {
    what: `Deployments in ${namespace}`,
    labelSelector: serverSelector,
  });
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

/** All objects of a list, page by page. */
async function paged<T>(
  kube: Kube,
  path: string,
  { what, labelSelector }: { readonly what: string; readonly labelSelector?: string },
): Promise<T[]> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const query = { limit: pageSize, labelSelector, continue: next };
    const list = await asking(kube, `list ${what}`, () =>
      getJson<{ items: T[]; metadata?: { continue?: string } }>(kube, path, query),
    );
    items.push(...list.items);
    next = list.metadata?.continue;
  } while (next !== undefined && next !== "");
  return items;
}
