import type * as k8s from "@kubernetes/client-node";

import { oneLine } from "./errors";
import { mayRun } from "./pods";

/**
 * What keeps a pod from being ready:
 *
 * - `image`: its image cannot be pulled
 * - `start`: its container cannot be started
 * - `crash`: one of its containers crashes and restarts
 * - `schedule`: it cannot be scheduled
 * - `init`: an init container runs, and the other containers wait for it
 * - `unready`: it runs, and its readiness check fails; a pod that is starting looks the same
 */
export type PodTroubleKind = "image" | "start" | "crash" | "schedule" | "init" | "unready";

/** What is wrong with a pod. */
export interface Trouble {
  /** A predicate that reads on after "pod x". */
  readonly reason: string;
  /** How long this state may last before it counts, in seconds. Some states pass by themselves. */
  readonly patienceSeconds: number;
}

/** Why a pod is not ready, as far as its status tells. */
export interface PodTrouble extends Trouble {
  readonly kind: PodTroubleKind;
  /** The container that it is about. */
  readonly container?: string;
}

const images = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
]);
/** Those of {@link images} that a retry cannot repair. */
const lasting = new Set(["InvalidImageName", "ErrImageNeverPull"]);

/** After so many starts a container that is not ready counts as crashing, although it runs between crashes. */
const crashStarts = 3;

/** How long a failed pull or start may be retried before it counts, in seconds. */
const retrySeconds = 20;

/**
 * Why a pod is not ready; undefined while nothing looks wrong, and for a pod that is ending or has ended.
 * @param container only this container counts, whatever else is in the pod, such as a mesh's proxy. @default all
 */
export function podTrouble(pod: k8s.V1Pod, container?: string): PodTrouble | undefined {
  const { metadata, status } = pod;
  if (metadata?.deletionTimestamp !== undefined || !mayRun(pod)) return undefined;
  const containers = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ].filter(({ name }) => container === undefined || name === container);
  for (const one of containers) {
    const trouble = containerTrouble(pod, one);
    if (trouble !== undefined) return trouble;
  }
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") {
    return {
      kind: "schedule",
      reason: `cannot be scheduled (${scheduled.reason ?? "Unschedulable"}: ${oneLine(scheduled.message ?? "no reason given")})`,
      // An autoscaler may be adding a node.
      patienceSeconds: Infinity,
    };
  }
  const running = containers.filter(({ state, ready }) => state?.running !== undefined && !ready);
  // An init container becomes ready when it has ended, unless it is a sidecar.
  const init = running.find(({ name }) => isInit(pod, name) && !isSidecar(pod, name));
  if (init !== undefined) {
    return {
      kind: "init",
      container: init.name,
      reason: `waits for its init container ${init.name}, which is running`,
      patienceSeconds: Infinity,
    };
  }
  const [unready] = running;
  if (unready === undefined) return undefined;
  return {
    kind: "unready",
    container: unready.name,
    reason: `runs, but the readiness check of its container ${unready.name} fails`,
    patienceSeconds: Infinity,
  };
}

function containerTrouble(
  pod: k8s.V1Pod,
  { name, image, state, lastState, ready, restartCount }: k8s.V1ContainerStatus,
): PodTrouble | undefined {
  const { spec } = pod;
  const who = `${isInit(pod, name) ? "init container" : "container"} ${name}`;
  const reason = state?.waiting?.reason ?? "";
  const detail = state?.waiting?.message === undefined ? "" : `: ${oneLine(state.waiting.message)}`;
  if (images.has(reason)) {
    const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
    const wanted = all.find((one) => one.name === name)?.image ?? image;
    return {
      kind: "image",
      container: name,
      reason: `cannot pull its image ${wanted} (${reason}${detail})`,
      patienceSeconds: lasting.has(reason) ? 0 : retrySeconds,
    };
  }
  if (reason === "CrashLoopBackOff") {
    return {
      kind: "crash",
      container: name,
      reason: `is in CrashLoopBackOff: its ${who} ended with ${endingOf(lastState?.terminated)}`,
      patienceSeconds: 0,
    };
  }
  if (/Error$/.test(reason)) {
    return {
      kind: "start",
      container: name,
      reason: `cannot start its ${who} (${reason}${detail})`,
      patienceSeconds: retrySeconds,
    };
  }
  const last = lastState?.terminated;
  if (
    state?.running !== undefined &&
    !ready &&
    restartCount + 1 >= crashStarts &&
    last !== undefined
  ) {
    return {
      kind: "crash",
      container: name,
      reason: `crashes: its ${who} has restarted ${restartCount} times, and ended with ${endingOf(last)}`,
      patienceSeconds: retrySeconds,
    };
  }
  const ended = state?.terminated;
  if (ended !== undefined && ended.exitCode !== 0 && spec?.restartPolicy !== "Never") {
    return {
      kind: "crash",
      container: name,
      reason: `crashes: its ${who} ended with ${endingOf(ended)}`,
      patienceSeconds: retrySeconds,
    };
  }
  return undefined;
}

function endingOf(ended: k8s.V1ContainerStateTerminated | undefined): string {
  return `exit code ${ended?.exitCode ?? "unknown"} (${ended?.reason ?? "no reason given"})`;
}

function isInit({ status }: k8s.V1Pod, name: string): boolean {
  return status?.initContainerStatuses?.some((one) => one.name === name) === true;
}

/** A native sidecar is an init container that keeps running beside the others. */
function isSidecar({ spec }: k8s.V1Pod, name: string): boolean {
  return (
    spec?.initContainers?.some((one) => one.name === name && one.restartPolicy === "Always") ===
    true
  );
}

/** Why a Job or StatefulSet could not create its pod, by its events: a policy, a quota, a service account. */
export function creationFailure(events: readonly k8s.CoreV1Event[]): string | undefined {
  const failed = events.filter(({ reason }) => reason === "FailedCreate").at(-1);
  return failed === undefined ? undefined : oneLine(failed.message ?? "no reason given");
}

/** The same as {@link creationFailure}, as the trouble of the missing pod. */
export function creationTrouble(events: readonly k8s.CoreV1Event[]): Trouble | undefined {
  const message = creationFailure(events);
  if (message === undefined) return undefined;
  // A new service account may take a moment to be known.
  return { reason: `cannot be made: ${message}`, patienceSeconds: namesAccount(message) ? 15 : 0 };
}

/** Whether a message of the API is about a pod's service account. */
export function namesAccount(message: string): boolean {
  return /service account|serviceaccount/i.test(message);
}
