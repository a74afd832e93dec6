import type * as k8s from "@kubernetes/client-node";
import { isUserError, timeLimit } from "@mcp-fleet/errors";
import {
  follow,
  type FollowOptions,
  isPodOf,
  type Kube,
  mayRun,
  serverName,
  tagged,
  troublesNow,
  unreadyReason,
  wantedReplicas,
  watchedPods,
  watchedWorkload,
  type Workload,
} from "@mcp-fleet/kube";

import { NotFoundError, TimeoutError } from "./errors";
import type { Change, WaitOptions } from "./types";
import { checkTimeout } from "./validate";

/** How long a wait lasts by default, in seconds. Source: seed 004. */
export const defaultTimeoutSeconds = 300;

/**
 * Waits until all wanted replicas are ready and on the newest template. With a paused rollout any template counts.
 * @throws {TimeoutError} that says what is still missing and what the pods say
 */
export async function waitUntilReady(
  kube: Kube,
  {
    namespace,
    name,
    kind,
    workload: own,
  }: Pick<Change, "namespace" | "name" | "kind" | "workload">,
  options: WaitOptions,
): Promise<Workload> {
  let last: Workload | undefined;
  const waiting = reporter(options);
  return limited(
    options,
    (signal) =>
      follow(
        kube,
        watchedWorkload(kube, { kind, namespace, name: own }),
        ([found]) => {
          if (found === undefined) throw gone(namespace, name);
          last = tagged(found, kind);
          const reason = unreadyReason(last);
          if (reason !== undefined) waiting(reason);
          return reason === undefined ? last : undefined;
        },
        followOptions(options, signal),
      ),
    async (seconds) => {
      const why = last === undefined ? [] : await troublesNow(kube, last);
      const state =
        last === undefined ? "nothing is known of it" : (unreadyReason(last) ?? "ready");
      const wanted = last === undefined ? 0 : wantedReplicas(last);
      return new TimeoutError(
        `Server ${namespace}/${name} was not ready within ${seconds} seconds: ${[state, ...why].join("; ")}.`,
        `It still has ${wanted} wanted; look at it with: mcp-fleet status ${name} -n ${namespace}; mcp-fleet logs ${name} -n ${namespace}`,
      );
    },
  );
}

/**
 * Waits until no pod of a workload is left, ending ones included.
 * @param onPods called with the pods that are left, whenever that changes
 */
export async function waitUntilGone(
  kube: Kube,
  workload: Workload,
  options: WaitOptions,
  onPods: (pods: readonly k8s.V1Pod[]) => void = () => undefined,
): Promise<void> {
  const namespace = workload.metadata?.namespace ?? kube.namespace;
  const name = serverName(workload);
  let left: readonly k8s.V1Pod[] = [];
  const waiting = reporter(options);
  await limited(
    options,
    (signal) =>
      follow(
        kube,
        watchedPods(kube, workload),
        (pods) => {
          left = pods.filter((pod) => isPodOf(workload, pod) && mayRun(pod));
          if (left.length === 0) return true;
          waiting(`${left.length === 1 ? "1 pod is" : `${left.length} pods are`} still there`);
          onPods(left);
          return undefined;
        },
        followOptions(options, signal),
      ),
    (seconds) => {
      const names = left.map(({ metadata }) => metadata?.name ?? "").join(", ");
      return Promise.resolve(
        new TimeoutError(
          `Server ${namespace}/${name} still had pods after ${seconds} seconds: ${names}.`,
          `They end with their grace period; to end them at once: mcp-fleet stop ${name} -n ${namespace} --force`,
        ),
      );
    },
  );
}

/** Runs `work` with a signal that is aborted when the time is over or by the caller, whichever comes first. */
async function limited<T>(
  { timeoutSeconds = defaultTimeoutSeconds, signal }: WaitOptions,
  work: (signal: AbortSignal) => Promise<T>,
  late: (seconds: number) => Promise<TimeoutError>,
): Promise<T> {
  const timer = timeLimit(checkTimeout(timeoutSeconds));
  try {
    return await work(signal === undefined ? timer : AbortSignal.any([timer, signal]));
  } catch (error) {
    if (timer.aborted && signal?.aborted !== true && !isUserError(error)) {
      throw await late(timeoutSeconds);
    }
    throw error;
  }
}

const followOptions = ({ awaySeconds }: WaitOptions, signal: AbortSignal): FollowOptions => ({
  signal,
  ...(awaySeconds === undefined ? {} : { awaySeconds }),
});

/** Reports a text only when it differs from the last one. */
function reporter({ onProgress }: WaitOptions): (text: string) => void {
  let last: string | undefined;
  return (text) => {
    if (text !== last) onProgress?.(text);
    last = text;
  };
}

function gone(namespace: string, name: string): NotFoundError {
  return new NotFoundError(
    `Server ${namespace}/${name} was deleted during the wait.`,
    "Look at who removed it; `mcp-fleet list` shows the servers that are there.",
  );
}
