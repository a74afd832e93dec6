import type * as k8s from "@kubernetes/client-node";

import type { Kube } from "./connect";
import { follow, type FollowOptions, type Watched } from "./follow";

/**
 * Follows one object and pods, until `done` answers something.
 * @param done called with the object, undefined once it is deleted, and the pods, after each change of either
 * @throws the signal's reason when it is aborted; {ApiError} {UnreachableError}
 */
export async function followWithPods<T extends k8s.KubernetesObject, R>(
  kube: Kube,
  watched: Watched<T>,
  watchedPods: Watched<k8s.V1Pod>,
  done: (object: T | undefined, pods: readonly k8s.V1Pod[]) => R | undefined,
  options: FollowOptions,
): Promise<R> {
  let object: T | undefined;
  let listed = false;
  let pods: readonly k8s.V1Pod[] | undefined;
  const over = new AbortController();
  const both = { ...options, signal: AbortSignal.any([options.signal, over.signal]) };
  const look = (): R | undefined =>
    !listed || pods === undefined ? undefined : done(object, pods);
  const following = [
    follow(
      kube,
      watched,
      ([found]) => {
        [object, listed] = [found, true];
        return look();
      },
      both,
    ),
    follow(
      kube,
      watchedPods,
      (found) => {
        pods = found;
        return look();
      },
      both,
    ),
  ];
  try {
    return await Promise.race(following);
  } finally {
    over.abort();
    await Promise.allSettled(following);
  }
}

/** One object as the list that {@link follow} begins with. An identity may have the right to get it alone. */
export function listOfOne<T extends k8s.KubernetesObject>(
  found: T | undefined,
): { items: T[]; metadata?: k8s.V1ListMeta } {
  if (found === undefined) return { items: [] };
  const { resourceVersion } = found.metadata ?? {};
  return {
    items: [found],
    ...(resourceVersion === undefined ? {} : { metadata: { resourceVersion } }),
  };
}
