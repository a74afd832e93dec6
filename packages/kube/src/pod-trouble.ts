import type * as k8s from "@kubernetes/client-node";

import { oneLine } from "./errors";
import { mayRun } from "./pods";

/**
 * What keeps a pod from being ready:
 *
 * - `image`: its image cannot be pulled
 * - `start`: its container cannot be started
 * - `crash`: a container of it ends and is started again
 * - `schedule`: no node takes it
 * - `init`: an init container is at work, and the others wait for it
 * - `unready`: it runs, and its readiness check fails; a pod that is starting looks the same
 */
export type PodTroubleKind = "image" | "start" | "crash" | "schedule" | "init" | "unready";

/** What is wrong with a pod. */
export interface Trouble {
  /** A predicate that reads on after "pod x". */
  readonly reason: string;
  /** How long this state may last before it counts, in seconds: some of them pass by themselves. */
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
/** Those of {@link images} that no registry mends by answering again. */
const lasting = new Set(["InvalidImageName", "ErrImageNeverPull"]);

/** A container that was started so often and is not ready is taken for one that crashes: between crashes it runs. */
const crashStarts = 3;

/** A pod that is being pulled for, or a container that is being made again, may come through: in seconds. */
const retrySeconds = 20;

/**
 * What keeps a pod from being ready; undefined while nothing looks wrong, and for a pod that ends or has ended.
 * @param container looks at this one only, whatever else (a mesh's proxy, say) is in the pod. @default all
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
  // An init container that is no sidecar is ready once it has ended.
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

/** A native sidecar is an init container that goes on beside the others. */
function isSidecar({ spec }: k8s.V1Pod, name: string): boolean {
  return (
    spec?.initContainers?.some((one) => one.name === name && one.restartPolicy === "Always") ===
    true
  );
}

/** What the events about a Job or a StatefulSet say that could not make its pod: a policy, a quota, a service account. */
export function creationFailure(events: readonly k8s.CoreV1Event[]): string | undefined {
  const failed = events.filter(({ reason }) => reason === "FailedCreate").at(-1);
  return failed === undefined ? undefined : oneLine(failed.message ?? "no reason given");
}

/** The same as what is wrong with the pod that is not there. */
export function creationTrouble(events: readonly k8s.CoreV1Event[]): Trouble | undefined {
  const message = creationFailure(events);
  if (message === undefined) return undefined;
  // An account that was just made may take a moment to be known.
  return { reason: `cannot be made: ${message}`, patienceSeconds: namesAccount(message) ? 15 : 0 };
}

/** Whether a message of the API is about a pod's service account. */
export function namesAccount(message: string): boolean {
  return /service account|serviceaccount/i.test(message);
}
