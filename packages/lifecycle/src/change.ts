import {
  asking,
  type Autoscaler,
  autoscalerOf,
  autoscalersIn,
  changeObstacles,
  ifAllowed,
  isOnDelete,
  isPaused,
  type Kube,
  refOf,
  resumeCommand,
  selectorText,
  statusOf,
  wantedReplicas,
  type Workload,
  workloadText,
} from "@mcp-fleet/kube";

import { ObstacleError } from "./errors";
import { readServer } from "./find";
import { details } from "./state";
import type { Change, WaitOptions } from "./types";
import { checkReplicas, checkTimeout } from "./validate";
import { waitUntilGone, waitUntilReady } from "./wait";
import { patchScale, patchTemplate } from "./workload-api";

/** How often a change is tried again because the object changed in between. */
const conflictRetries = 5;

/** How a server is changed. */
export interface ChangeOptions extends WaitOptions {
  /** @default the cluster's namespace */
  readonly namespace?: string;
  /** Waits until all wanted replicas are ready, or none is left. @default see each function */
  readonly wait?: boolean;
}

/**
 * Scales a stopped server to one replica; leaves one that has replicas as it is. Waits until it is ready unless told
 * not to (300 seconds by default).
 * @throws {InvalidError} {NotFoundError} {TimeoutError} {ApiError} {UnreachableError}
 */
export async function startMcp(
  kube: Kube,
  name: string,
  options: ChangeOptions = {},
): Promise<Change> {
  const scaled = await setReplicas(kube, name, (wanted) => Math.max(1, wanted), options);
  return options.wait === false ? scaled.change : afterReady(kube, scaled.change, options);
}

/**
 * Scales a server to no replica. With `force` its pods end at once, without their grace period, and the function waits
 * until none is left; else it waits only when told to.
 * @throws {InvalidError} {NotFoundError} {TimeoutError} {ApiError} {UnreachableError}
 */
export async function stopMcp(
  kube: Kube,
  name: string,
  options: ChangeOptions & { readonly force?: boolean } = {},
): Promise<Change> {
  const { change, workload } = await setReplicas(kube, name, () => 0, options);
  if (options.force === true) {
    return { ...change, readyReplicas: 0, killedPods: await kill(kube, workload, options) };
  }
  if (options.wait !== true) return change;
  await waitUntilGone(kube, workload, options);
  return { ...change, readyReplicas: 0 };
}

/**
 * Scales a server to 0 to 10 replicas. Waits only when told to: until all are ready, or none is left.
 * @throws {ObstacleError} where an autoscaler would undo it at once
 * @throws {InvalidError} {NotFoundError} {TimeoutError} {ApiError} {UnreachableError}
 */
export async function scaleMcp(
  kube: Kube,
  name: string,
  replicas: number,
  options: ChangeOptions = {},
): Promise<Change> {
  checkReplicas(replicas);
  if (replicas === 0) return stopMcp(kube, name, { ...options, force: false });
  const { change } = await setReplicas(kube, name, () => replicas, options, refuseUndone);
  return options.wait === true ? afterReady(kube, change, options) : change;
}

/**
 * Replaces a server's pods one by one, as `kubectl rollout restart` does, and waits until the new ones are ready
 * unless told not to. A stopped server stays stopped.
 * @throws {ObstacleError} where its pods would stay: its rollout is paused, or they are replaced by hand only
 * @throws {InvalidError} {NotFoundError} {TimeoutError} {ApiError} {UnreachableError}
 */
export async function restartMcp(
  kube: Kube,
  server: string,
  options: ChangeOptions = {},
): Promise<Change> {
  checkWait(options);
  const namespace = options.namespace ?? kube.namespace;
  const workload = await readServer(kube, namespace, server);
  const obstacles = await obstaclesOf(kube, namespace, workload);
  const wanted = wantedReplicas(workload);
  if (wanted === 0) return changeOf(workload, wanted, wanted, false, obstacles.texts);
  refuseStaying(workload);
  const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
  const patched = await asking(kube, `restart ${workloadText(workload)}`, () =>
    patchTemplate(kube, refOf(workload, namespace), annotations),
  );
  const change = changeOf(patched, wanted, wanted, true, obstacles.texts);
  return options.wait === false ? change : afterReady(kube, change, options);
}

/**
 * Sets the wanted replicas. The object's version goes with the number, so that a change made in between is seen instead of
 * overwritten.
 * @param check refuses what would be undone
 */
async function setReplicas(
  kube: Kube,
  server: string,
  wantedFor: (current: number) => number,
  options: ChangeOptions,
  check: (workload: Workload, after: number, autoscaler: Autoscaler) => void = () => undefined,
): Promise<{ change: Change; workload: Workload }> {
  checkWait(options);
  const namespace = options.namespace ?? kube.namespace;
  for (let attempt = 0; ; attempt += 1) {
    const workload = await readServer(kube, namespace, server);
    const { autoscaler, texts } = await obstaclesOf(kube, namespace, workload);
    const before = wantedReplicas(workload);
    const after = wantedFor(before);
    if (before === after) {
      return { change: changeOf(workload, before, after, false, texts), workload };
    }
    if (autoscaler !== undefined) check(workload, after, autoscaler);
    const resourceVersion = workload.metadata?.resourceVersion;
    const done = await asking(kube, `scale ${workloadText(workload)}`, async () => {
      try {
        await patchScale(kube, refOf(workload, namespace), after, resourceVersion);
        return true;
      } catch (error) {
        if (statusOf(error) === 409 && attempt < conflictRetries) return false;
        throw error;
      }
    });
    if (!done) continue;
    const now = { ...workload, spec: { ...workload.spec, replicas: after } } as Workload;
    return { change: changeOf(now, before, after, true, texts), workload };
  }
}

/** What may undo or delay a change of this workload. Without the right to list autoscalers they are unknown. */
async function obstaclesOf(
  kube: Kube,
  namespace: string,
  workload: Workload,
): Promise<{ readonly autoscaler?: Autoscaler; readonly texts: readonly string[] }> {
  const autoscaler = autoscalerOf(workload, await ifAllowed(autoscalersIn(kube, namespace)));
  const texts = changeObstacles(workload, autoscaler);
  return autoscaler === undefined ? { texts } : { autoscaler, texts };
}

/** An autoscaler undoes a number outside its bounds within seconds, and may change one inside them. */
function refuseUndone(workload: Workload, after: number, autoscaler: Autoscaler): void {
  const { name, minReplicas, maxReplicas, keeper } = autoscaler;
  if (after >= minReplicas && after <= maxReplicas) return;
  const { namespace } = workload.metadata ?? {};
  const bound = after < minReplicas ? "minReplicas" : "maxReplicas";
  const patch = JSON.stringify({ spec: { [bound]: after } });
  throw new ObstacleError(
    `HorizontalPodAutoscaler ${namespace}/${name} keeps ${workloadText(workload)} at ${minReplicas} to ${maxReplicas} replicas and would undo ${after}.`,
    keeper === undefined
      ? `Change its bounds first: kubectl patch hpa ${name} -n ${namespace} --type merge -p '${patch}'`
      : `Change the bounds of ${keeper}, which made it.`,
  );
}

function refuseStaying(workload: Workload): void {
  if (isPaused(workload)) {
    throw new ObstacleError(
      `The rollout of ${workloadText(workload)} is paused, so it would get no new pods.`,
      `Resume it, then restart: ${resumeCommand(workload)}`,
    );
  }
  if (!isOnDelete(workload)) return;
  const selector = selectorText(workload.spec?.selector);
  throw new ObstacleError(
    `${workloadText(workload)} replaces pods only when somebody deletes them (updateStrategy OnDelete).`,
    `Delete them: kubectl delete pods -n ${workload.metadata?.namespace} -l '${selector}'`,
  );
}

/** Deletes pods without grace until none is left, including those that a controller makes meanwhile. */
async function kill(kube: Kube, workload: Workload, options: WaitOptions): Promise<string[]> {
  const namespace = workload.metadata?.namespace ?? kube.namespace;
  // By UID, because a StatefulSet's next pod has the same name.
  const killed = new Map<string, string>();
  const refused = new AbortController();
  const { signal } = options;
  const either = signal === undefined ? refused.signal : AbortSignal.any([refused.signal, signal]);
  await waitUntilGone(kube, workload, { ...options, signal: either }, (pods) => {
    for (const { metadata } of pods) {
      const { name = "", uid } = metadata ?? {};
      if (uid === undefined || killed.has(uid)) continue;
      killed.set(uid, name);
      killPod(kube, namespace, name, uid).catch((error: unknown) => refused.abort(error));
    }
  });
  return [...new Set(killed.values())].sort();
}

/** Deletes only the pod with this UID, not another one of the same name. */
async function killPod(kube: Kube, namespace: string, name: string, uid: string): Promise<void> {
  await asking(kube, `delete pod ${namespace}/${name}`, async () => {
    try {
      const body = { preconditions: { uid }, gracePeriodSeconds: 0 };
      await kube.core.deleteNamespacedPod({ namespace, name, body });
    } catch (error) {
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
    }
  });
}

async function afterReady(kube: Kube, change: Change, options: WaitOptions): Promise<Change> {
  const ready = await waitUntilReady(kube, change, options);
  return changeOf(ready, change.before, change.after, change.changed, change.obstacles);
}

function changeOf(
  workload: Workload,
  before: number,
  after: number,
  changed: boolean,
  obstacles: readonly string[],
): Change {
  const { name, namespace, kind, workload: own, status, readyReplicas } = details(workload);
  return {
    ...{ name, namespace, kind, workload: own, before, after, changed, status, readyReplicas },
    obstacles,
  };
}

/** A wrong time is refused before anything is changed. */
function checkWait({ timeoutSeconds }: WaitOptions): void {
  if (timeoutSeconds !== undefined) checkTimeout(timeoutSeconds);
}
