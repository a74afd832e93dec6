import type * as k8s from "@kubernetes/client-node";

import type { Kube } from "./connect";
import { ApiError, asking } from "./errors";
import type { FollowOptions, Watched } from "./follow";
import { followWithPods, listOfOne } from "./follow-pods";
import { isPodOf, selectorText } from "./pods";
import { kindOf, type Workload, type WorkloadKind } from "./servers/workload";

/** One Deployment or StatefulSet. */
export interface WorkloadRef {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
}

export function refOf(workload: Workload, namespace: string): WorkloadRef {
  return { kind: kindOf(workload), namespace, name: workload.metadata?.name ?? "" };
}

/** @throws {ApiError} {UnreachableError} */
export async function getWorkload(
  kube: Kube,
  { kind, namespace, name }: WorkloadRef,
): Promise<Workload> {
  const found = await asking(kube, `read ${kind} ${namespace}/${name}`, () =>
    kind === "Deployment"
      ? kube.apps.readNamespacedDeployment({ namespace, name })
      : kube.apps.readNamespacedStatefulSet({ namespace, name }),
  );
  return tagged(found, kind);
}

/** @returns undefined where there is none, and for a kind that the account may not read */
export async function readWorkload(kube: Kube, ref: WorkloadRef): Promise<Workload | undefined> {
  try {
    return await getWorkload(kube, ref);
  } catch (error) {
    const status = error instanceof ApiError ? error.status : undefined;
    // Whoever may look at Deployments only knows of those only.
    if (status === 404 || (status === 403 && ref.kind === "StatefulSet")) return undefined;
    throw error;
  }
}

/** A list's items lack their kind. */
export function tagged(workload: Workload, kind: WorkloadKind): Workload {
  return Object.assign(workload, { kind });
}

/** The workload's own pods, ending ones too. */
export async function podsOf(kube: Kube, workload: Workload): Promise<k8s.V1Pod[]> {
  const pods = watchedPods(kube, workload);
  const { items } = await asking(kube, `list ${pods.what}`, () => pods.list());
  // Go writes an empty list as null.
  return ((items as k8s.V1Pod[] | null) ?? []).filter((pod) => isPodOf(workload, pod));
}

/** The one object, to be followed. */
export function watchedWorkload(
  kube: Kube,
  { kind, namespace, name }: WorkloadRef,
): Watched<Workload> {
  const fieldSelector = `metadata.name=${name}`;
  return {
    path: `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s`,
    query: { fieldSelector },
    what: `${kind}s in ${namespace}`,
    list: () =>
      kind === "Deployment"
        ? kube.apps.listNamespacedDeployment({ namespace, fieldSelector })
        : kube.apps.listNamespacedStatefulSet({ namespace, fieldSelector }),
  };
}

/** The pods that a workload's selector finds, to be followed: {@link isPodOf} tells which are its own. */
export function watchedPods(kube: Kube, workload: Workload): Watched<k8s.V1Pod> {
  const namespace = workload.metadata?.namespace ?? kube.namespace;
  const labelSelector = selectorText(workload.spec?.selector);
  return {
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { labelSelector },
    what: `pods in ${namespace}`,
    list: () => kube.core.listNamespacedPod({ namespace, labelSelector }),
  };
}

/**
 * Follows a workload and its own pods, ending ones too, until `done` answers something.
 * @param done called with the workload, undefined once it is deleted, and its pods, after each change of either
 * @throws the signal's reason when it is aborted; {ApiError} {UnreachableError}
 */
export async function followRollout<R>(
  kube: Kube,
  ref: WorkloadRef,
  done: (workload: Workload | undefined, pods: readonly k8s.V1Pod[]) => R | undefined,
  options: FollowOptions,
): Promise<R> {
  const first = await getWorkload(kube, ref);
  return followWithPods(
    kube,
    { ...watchedWorkload(kube, ref), list: async () => listOfOne(await readWorkload(kube, ref)) },
    watchedPods(kube, first),
    (workload, pods) =>
      done(
        workload === undefined ? undefined : tagged(workload, ref.kind),
        pods.filter((pod) => isPodOf(first, pod)),
      ),
    options,
  );
}
