import { UserError } from "@mcp-fleet/errors";

import { isObject, type Json, type JsonObject, objectAt, stringAt } from "../wire";
import type { KubeClient } from "./client";
import { type Identity, identityOf, titleOf } from "./names";
import { PodWatch } from "./pods";

/** Milliseconds between looks at the pods of what is not ready. */
const podsEvery = 1000;

export interface WaitOptions {
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** True when the object does its work; else what it still waits for. */
type Check = (live: JsonObject, client: KubeClient) => Promise<true | string> | true | string;

const count = (value: Json | undefined): number => (typeof value === "number" ? value : 0);

function condition(live: JsonObject, type: string): JsonObject | undefined {
  const list = objectAt(live.status).conditions;
  if (!Array.isArray(list)) return undefined;
  return list.filter(isObject).find((item) => item.type === type);
}

function observed(live: JsonObject): boolean {
  return (
    count(objectAt(live.status).observedGeneration) >= count(objectAt(live.metadata).generation)
  );
}

/** Every replica is of the newest template, available, and no older one is left. */
function rolledOut(live: JsonObject, wanted: number, ready: string): true | string {
  if (!observed(live)) return "the controller has not seen the change yet";
  const status = objectAt(live.status);
  const updated = count(status.updatedReplicas ?? status.updatedNumberScheduled);
  const total = count(status.replicas ?? status.currentNumberScheduled ?? wanted);
  const available = count(status[ready]);
  if (updated < wanted) return `${updated} of ${wanted} pods are of the new version`;
  if (total > updated) return `${total - updated} pods of the old version are still there`;
  return available >= wanted ? true : `${available} of ${wanted} pods are available`;
}

const serviceLabel = "kubernetes.io/service-name";
const replicas = (live: JsonObject): number => count(objectAt(live.spec).replicas ?? 1);

const checks: Readonly<Record<string, Check>> = {
  Deployment(live) {
    const progress = condition(live, "Progressing");
    if (observed(live) && progress?.reason === "ProgressDeadlineExceeded") {
      throw new Error(stringAt(progress, "message") ?? "its progress deadline is exceeded");
    }
    return rolledOut(live, replicas(live), "availableReplicas");
  },
  StatefulSet: (live) => rolledOut(live, replicas(live), "readyReplicas"),
  DaemonSet(live) {
    return rolledOut(live, count(objectAt(live.status).desiredNumberScheduled), "numberAvailable");
  },
  Job(live) {
    const failed = condition(live, "Failed");
    if (failed?.status === "True") throw new Error(stringAt(failed, "message") ?? "the job failed");
    return condition(live, "Complete")?.status === "True" ? true : "it has not completed";
  },
  Pod(live) {
    const phase = stringAt(live, "status", "phase");
    if (phase === "Failed") throw new Error("the pod failed");
    return phase === "Succeeded" || condition(live, "Ready")?.status === "True"
      ? true
      : `it is ${phase ?? "new"}`;
  },
  Namespace: (live) => stringAt(live, "status", "phase") === "Active" || "it is not active",
  CustomResourceDefinition: (live) =>
    condition(live, "Established")?.status === "True" || "it is not established",
  async PersistentVolumeClaim(live, client) {
    if (stringAt(live, "status", "phase") === "Bound") return true;
    const storageClass = stringAt(live, "spec", "storageClassName");
    if (storageClass !== undefined && storageClass !== "") {
      const found = await client.get("storage.k8s.io/v1", "StorageClass", undefined, storageClass);
      if (found?.volumeBindingMode === "WaitForFirstConsumer") return true;
    }
    return "it is not bound to a volume";
  },
  async Service(live, client) {
    const spec = objectAt(live.spec);
    if (spec.type === "LoadBalancer") {
      const ingress = objectAt(live.status, "loadBalancer").ingress;
      if (!Array.isArray(ingress) || ingress.length === 0) return "it has no load balancer address";
    }
    const selects = Object.keys(objectAt(spec.selector)).length > 0;
    if (!selects || spec.type === "ExternalName" || spec.clusterIP === "None") return true;
    const { namespace = "default", name } = identityOf(live);
    const slices = await client.looks.all("discovery.k8s.io/v1", "EndpointSlice", namespace);
    const endpoints = slices
      .filter((slice) => objectAt(slice, "metadata", "labels")[serviceLabel] === name)
      .flatMap((slice) => (Array.isArray(slice.endpoints) ? slice.endpoints : []));
    const ready = endpoints.some((item) => objectAt(item, "conditions").ready === true);
    return ready || "no pod behind it is ready";
  },
};

/**
 * Waits until an applied object does its work: rolled out, completed, bound, reachable. Kinds without a check, and
 * objects annotated `pulumi.com/skipAwait: "true"`, are taken as ready.
 *
 * @returns the live object
 * @throws UserError that names the object and why it is not ready, early when a pod cannot recover by itself
 */
export async function waitUntilReady(
  client: KubeClient,
  applied: JsonObject,
  options: WaitOptions,
): Promise<JsonObject> {
  const identity = identityOf(applied);
  const check = checks[identity.kind];
  const annotations = objectAt(applied, "metadata", "annotations");
  if (check === undefined || annotations["pulumi.com/skipAwait"] === "true") return applied;
  const pods = new PodWatch(client, identity.namespace);
  const deadline = Date.now() + options.seconds * 1000;
  let podsSeen = Date.now();
  let live = applied;
  for (;;) {
    let waiting: true | string;
    try {
      waiting = await check(live, client);
    } catch (error) {
      throw await failure(identity, (error as Error).message, pods, live);
    }
    if (waiting === true) return live;
    if (Date.now() - podsSeen >= podsEvery) {
      const stuck = await pods.stuck(live);
      if (stuck !== undefined) throw await failure(identity, stuck, pods, live);
      podsSeen = Date.now();
    }
    if (Date.now() > deadline) {
      const text = `it was not ready after ${options.seconds} seconds: ${waiting}`;
      throw await failure(identity, text, pods, live);
    }
    const found = await unlessAborted(client.looks.live(identity), identity, options.signal);
    if (found === undefined) {
      throw new UserError(`${titleOf(identity)} was removed while waited for.`, "Run it again.");
    }
    live = found;
  }
}

/** @throws UserError when the object is still there after the time, naming what holds it */
export async function waitUntilGone(
  client: KubeClient,
  identity: Identity,
  options: WaitOptions,
): Promise<void> {
  const deadline = Date.now() + options.seconds * 1000;
  const { apiVersion, kind, namespace, name } = identity;
  let found = await client.get(apiVersion, kind, namespace, name);
  const uid = stringAt(found, "metadata", "uid");
  for (;;) {
    if (found === undefined || stringAt(found, "metadata", "uid") !== uid) return;
    if (Date.now() > deadline) {
      const held = objectAt(found.metadata).finalizers;
      const by = Array.isArray(held)
        ? `, held by ${held.map((item) => JSON.stringify(item)).join(", ")}`
        : "";
      throw new UserError(
        `${titleOf(identity)} was not gone after ${options.seconds} seconds${by}.`,
        "See what holds it, then run it again.",
      );
    }
    found = await unlessAborted(client.looks.live(identity), identity, options.signal);
  }
}

async function unlessAborted<T>(
  look: Promise<T>,
  identity: Identity,
  signal: AbortSignal,
): Promise<T> {
  let interrupt = (): void => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => {
      const problem = `The wait for ${titleOf(identity)} was interrupted.`;
      reject(new UserError(problem, "Run it again: what was done is kept."));
    };
    if (signal.aborted) interrupt();
    else signal.addEventListener("abort", interrupt, { once: true });
  });
  try {
    return await Promise.race([look, interrupted]);
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
}

async function failure(
  identity: Identity,
  reason: string,
  pods: PodWatch,
  live: JsonObject,
): Promise<UserError> {
  const seen = await pods.describe(live);
  return new UserError(
    `${titleOf(identity)}: ${reason}${seen === "" ? "" : `; ${seen}`}`.replace(/\.?$/, "."),
    "Correct the cause and run it again: what was done is kept in the state.",
  );
}
