import type * as k8s from "@kubernetes/client-node";

import type { Kube } from "./connect";
import { asking } from "./errors";
import type { FollowOptions, Watched } from "./follow";
import { followWithPods, listOfOne } from "./follow-pods";

/** One Job. */
export interface JobRef {
  readonly namespace: string;
  readonly name: string;
}

/** The pods that a Job has made. */
export async function podsOfJob(kube: Kube, ref: JobRef): Promise<k8s.V1Pod[]> {
  const pods = watchedPods(kube, ref);
  const { items } = await asking(kube, `list ${pods.what}`, () => pods.list());
  // Go writes an empty list as null.
  return items ?? [];
}

/**
 * Follows a Job and its pods until `done` answers something.
 * @param done called with the Job, undefined once it is deleted, and its pods, after each change of either
 * @throws the signal's reason when it is aborted; {ApiError} when the Job is not there, or the API refuses;
 *   {UnreachableError}
 */
export function followJob<R>(
  kube: Kube,
  ref: JobRef,
  done: (job: k8s.V1Job | undefined, pods: readonly k8s.V1Pod[]) => R | undefined,
  options: FollowOptions,
): Promise<R> {
  return followWithPods(kube, watchedJob(kube, ref), watchedPods(kube, ref), done, options);
}

function watchedJob(kube: Kube, { namespace, name }: JobRef): Watched<k8s.V1Job> {
  return {
    path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
    query: { fieldSelector: `metadata.name=${name}` },
    what: `Jobs in ${namespace}`,
    list: async () =>
      listOfOne(
        await asking(kube, `read Job ${namespace}/${name}`, () =>
          kube.batch.readNamespacedJob({ namespace, name }),
        ),
      ),
  };
}

function watchedPods(kube: Kube, { namespace, name }: JobRef): Watched<k8s.V1Pod> {
  const labelSelector = `batch.kubernetes.io/job-name=${name}`;
  return {
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { labelSelector },
    what: `pods in ${namespace}`,
    list: () => kube.core.listNamespacedPod({ namespace, labelSelector }),
  };
}
