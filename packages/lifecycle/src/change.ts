import type * as k8s from "@kubernetes/client-node";
import { asking, type Kube, statusOf, wantedReplicas } from "@mcp-fleet/kube";

import { readServer } from "./find";
import { details } from "./state";
import type { Change, WaitOptions } from "./types";
import { checkReplicas, checkTimeout } from "./validate";
import { waitUntilGone, waitUntilReady } from "./wait";

/** Whom `kubectl get --show-managed-fields` names for what is written here. */
const fieldManager = "mcp-fleet";
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
  const { change, deployment } = await setReplicas(kube, name, () => 0, options);
  if (options.force === true) {
    return { ...change, readyReplicas: 0, killedPods: await kill(kube, deployment, options) };
  }
  if (options.wait !== true) return change;
  await waitUntilGone(kube, deployment, options);
  return { ...change, readyReplicas: 0 };
}

/**
 * Scales a server to 0 to 10 replicas. Waits only when told to: until all are ready, or none is left.
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
  const { change } = await setReplicas(kube, name, () => replicas, options);
  return options.wait === true ? afterReady(kube, change, options) : change;
}

/**
 * Replaces a server's pods one by one, as `kubectl rollout restart` does, and waits until the new ones are ready
 * unless told not to. A stopped server stays stopped.
 * @throws {InvalidError} {NotFoundError} {TimeoutError} {ApiError} {UnreachableError}
 */
export async function restartMcp(
  kube: Kube,
  server: string,
  options: ChangeOptions = {},
): Promise<Change> {
  checkWait(options);
  const namespace = options.namespace ?? kube.namespace;
  const deployment = await readServer(kube, namespace, server);
  const { name = "" } = deployment.metadata ?? {};
  const wanted = wantedReplicas(deployment);
  if (wanted === 0) return changeOf(deployment, wanted, wanted, false);
  const restartedAt = new Date().toISOString();
  const annotations = { "kubectl.kubernetes.io/restartedAt": restartedAt };
  const body = { spec: { template: { metadata: { annotations } } } };
  const patched = await asking(kube, `restart Deployment ${namespace}/${name}`, async () =>
    kube.apps.patchNamespacedDeployment(
      { namespace, name, fieldManager, body },
      await mergePatch(),
    ),
  );
  const change = changeOf(patched, wanted, wanted, true);
  return options.wait === false ? change : afterReady(kube, change, options);
}

/**
 * Sets the wanted replicas through the `scale` subresource: a right that changes no image and no command. The object's
 * version goes with it, so that a change made in between is seen instead of overwritten.
 */
async function setReplicas(
  kube: Kube,
  server: string,
  wantedFor: (current: number) => number,
  options: ChangeOptions,
): Promise<{ change: Change; deployment: k8s.V1Deployment }> {
  checkWait(options);
  const namespace = options.namespace ?? kube.namespace;
  for (let attempt = 0; ; attempt += 1) {
    const deployment = await readServer(kube, namespace, server);
    const { name = "" } = deployment.metadata ?? {};
    const before = wantedReplicas(deployment);
    const after = wantedFor(before);
    if (before === after) {
      return { change: changeOf(deployment, before, after, false), deployment };
    }
    const resourceVersion = deployment.metadata?.resourceVersion;
    const body = { metadata: { resourceVersion }, spec: { replicas: after } };
    const done = await asking(kube, `scale Deployment ${namespace}/${name}`, async () => {
      try {
        await kube.apps.patchNamespacedDeploymentScale(
          { namespace, name, fieldManager, body },
          await mergePatch(),
        );
        return true;
      } catch (error) {
        if (statusOf(error) === 409 && attempt < conflictRetries) return false;
        throw error;
      }
    });
    if (!done) continue;
    const now = {
      ...deployment,
      spec: { ...deployment.spec, replicas: after },
    } as k8s.V1Deployment;
    return { change: changeOf(now, before, after, true), deployment };
  }
}

/** Ends pods at once until none is left: one that a controller makes in between ends too. */
async function kill(
  kube: Kube,
  deployment: k8s.V1Deployment,
  options: WaitOptions,
): Promise<string[]> {
  const namespace = deployment.metadata?.namespace ?? kube.namespace;
  const killed = new Set<string>();
  const refused = new AbortController();
  const { signal } = options;
  const either = signal === undefined ? refused.signal : AbortSignal.any([refused.signal, signal]);
  await waitUntilGone(kube, deployment, { ...options, signal: either }, (pods) => {
    for (const { metadata } of pods) {
      const { name = "", uid } = metadata ?? {};
      if (uid === undefined || killed.has(name)) continue;
      killed.add(name);
      killPod(kube, namespace, name, uid).catch((error: unknown) => refused.abort(error));
    }
  });
  return [...killed].sort();
}

/** The very pod that was seen to be the server's: another one of the same name is left alone. */
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
  return changeOf(ready, change.before, change.after, change.changed);
}

function changeOf(
  deployment: k8s.V1Deployment,
  before: number,
  after: number,
  changed: boolean,
): Change {
  const { name, namespace, deployment: object, status, readyReplicas } = details(deployment);
  return { name, namespace, deployment: object, before, after, changed, status, readyReplicas };
}

/** A wrong time is refused before anything is changed. */
function checkWait({ timeoutSeconds }: WaitOptions): void {
  if (timeoutSeconds !== undefined) checkTimeout(timeoutSeconds);
}

async function mergePatch(): Promise<k8s.ConfigurationOptions> {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  return setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
}
