import type { CoordinationV1Api, V1Lease } from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";
import { asking, ifThere, type Kube, statusOf } from "@mcp-fleet/kube";

import {
  type FailedUpdate,
  type Holder,
  leaseName,
  type LeaseRecord,
  recordIn,
  withRecord,
} from "./lease-record";
import type { OwnPod } from "./own-pod";
import type { ClusterRight } from "./run-rights";

/**
 * An update that runs in a pod holds a Lease of the stack's name. The backend's lock in files has no end and names a
 * host only, so the Lease is what shows that the pod that made it is gone (pulumi-kubernetes-operator#368).
 */
export interface UpdateLease {
  /** Names of pods that held it before and are gone. An engine's lock by one of them is stale. */
  readonly gone: readonly string[];
  release(outcome: UpdateOutcome): Promise<void>;
}

/**
 * How an update ended. `done`: no lock is left. `failed`: by itself, so the next one has to wait. `stopped`: it was
 * interrupted. `locked`: it did not get the engine's lock.
 */
export type UpdateOutcome = "done" | "failed" | "stopped" | "locked";

/** Which update of which pod. */
export interface LeaseRequest {
  /** Full name of the stack: `organization/project/stack`. */
  readonly stack: string;
  readonly pod: OwnPod;
  /** What decides the update: a failed one of the same inputs is not repeated at once. */
  readonly inputs: string;
  /** Whether to run at once after a failure all the same. */
  readonly now: boolean;
}

/** Nothing is wrong. The same update may succeed later. */
export class LaterError extends UserError {}

/** Minutes until the next attempt after the first failure; doubled by each further one, up to the last. */
const waits = { first: 1, last: 15 };

/**
 * Takes the Lease for this pod.
 *
 * @throws LaterError where a pod that runs holds it, or the same update failed a moment ago
 */
export async function takeUpdateLease(kube: Kube, request: LeaseRequest): Promise<UpdateLease> {
  const { CoordinationV1Api } = await import("@kubernetes/client-node");
  const api = kube.config.makeApiClient(CoordinationV1Api);
  const name = leaseName(request.stack);
  const lease = (await readLease(kube, api, name)) ?? (await makeLease(kube, api, name));
  const { holders, failed } = recordIn(lease);
  const gone: string[] = [];
  for (const holder of holders) {
    if (await isGone(kube, request, holder)) gone.push(holder.pod);
  }
  if (!request.now) refuseEarly(request, failed);
  const { name: pod, uid, container } = request.pod;
  const own: Holder = { pod, uid, ...(container === undefined ? {} : { container }) };
  // One entry for each name: what holds for the newest pod of a name holds for earlier ones.
  const others = holders.filter((holder) => holder.pod !== pod);
  const earlier = failed === undefined ? {} : { failed };
  const taken = await replaceLease(
    kube,
    api,
    withRecord(lease, pod, { holders: [...others, own], ...earlier }),
  );
  const recordAfter = (outcome: UpdateOutcome): LeaseRecord => {
    if (outcome === "done") return { holders: [] };
    if (outcome === "locked") return { holders, ...earlier };
    const ended = [...others, { ...own, ended: true }];
    return outcome === "stopped"
      ? { holders: ended, ...earlier }
      : { holders: ended, failed: nextFailure(request, failed) };
  };
  return {
    gone: [...new Set(gone)],
    async release(outcome) {
      await replaceLease(kube, api, withRecord(taken, undefined, recordAfter(outcome)));
    },
  };
}

/** What the pod's account needs in its own namespace to take a Lease. */
export function leaseRights(namespace: string): ClusterRight[] {
  const leases = { group: "coordination.k8s.io", resource: "leases", namespace };
  return [
    ...["get", "create", "update"].map((verb) => ({ verb, ...leases })),
    { verb: "get", group: "", resource: "pods", namespace },
  ];
}

async function readLease(
  kube: Kube,
  api: CoordinationV1Api,
  name: string,
): Promise<V1Lease | undefined> {
  const { namespace } = kube;
  return asking(kube, `get Lease ${namespace}/${name}`, () =>
    ifThere(api.readNamespacedLease({ namespace, name })),
  );
}

async function makeLease(kube: Kube, api: CoordinationV1Api, name: string): Promise<V1Lease> {
  const { namespace } = kube;
  const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name } };
  return asking(kube, `create Lease ${namespace}/${name}`, async () => {
    try {
      return await api.createNamespacedLease({ namespace, body });
    } catch (error) {
      // Another pod was first.
      if (statusOf(error) === 409) return api.readNamespacedLease({ namespace, name });
      throw error;
    }
  });
}

async function replaceLease(kube: Kube, api: CoordinationV1Api, body: V1Lease): Promise<V1Lease> {
  const { namespace } = kube;
  const name = body.metadata?.name ?? "";
  return asking(kube, `update Lease ${namespace}/${name}`, async () => {
    try {
      // With the resourceVersion that was read: of two pods one gets it.
      return await api.replaceNamespacedLease({ namespace, name, body });
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
      throw new LaterError(
        `Another pod took the Lease ${namespace}/${name} at the same moment, so nothing was done.`,
        "Try again once its update has ended.",
      );
    }
  });
}

/**
 * Whether a lock by this holder's host name is stale.
 *
 * @throws LaterError where its update may still run
 */
async function isGone(kube: Kube, request: LeaseRequest, holder: Holder): Promise<boolean> {
  const { name, uid, container } = request.pod;
  if (holder.uid === uid) {
    const restarted =
      holder.container !== undefined && container !== undefined && holder.container !== container;
    if (restarted || holder.ended === true) return true;
    throw secondProcess(kube, request);
  }
  // This pod has the name now, so the other one of that name is gone.
  if (holder.pod === name) return true;
  const running = await runningUid(kube, holder.pod);
  if (running === undefined) return true;
  if (running !== holder.uid || holder.ended === true) {
    // The host name alone does not say which pod of that name, or which process of it, made a lock.
    return false;
  }
  throw underWay(kube, request, holder.pod);
}

/** UID of the pod of this name, unless it has ended. */
async function runningUid(kube: Kube, name: string): Promise<string | undefined> {
  const { namespace } = kube;
  const found = await asking(kube, `get pod ${namespace}/${name}`, () =>
    ifThere(kube.core.readNamespacedPod({ namespace, name })),
  );
  const ended = found?.status?.phase === "Succeeded" || found?.status?.phase === "Failed";
  return ended ? undefined : found?.metadata?.uid;
}

function underWay({ namespace }: Kube, { stack }: LeaseRequest, pod: string): LaterError {
  return new LaterError(
    `An update of ${stack} is under way in pod ${namespace}/${pod}, so nothing was done.`,
    `Wait until it ends: kubectl wait -n ${namespace} pod/${pod} --for=delete --timeout=30m`,
  );
}

function secondProcess({ namespace }: Kube, { stack, pod }: LeaseRequest): LaterError {
  return new LaterError(
    `Another process of this pod took the Lease of ${stack}, so nothing was done.`,
    `Wait until it ends; where it was killed, end the pod: kubectl delete pod -n ${namespace} ${pod.name}`,
  );
}

function nextFailure({ inputs }: LeaseRequest, failed: FailedUpdate | undefined): FailedUpdate {
  const times = failed?.inputs === inputs ? failed.times + 1 : 1;
  return { inputs, times, at: new Date().toISOString() };
}

/** A controller may restart us at once and for ever. Each attempt would probe every server and lock the stack. */
function refuseEarly({ stack, inputs }: LeaseRequest, failed: FailedUpdate | undefined): void {
  if (failed === undefined || failed.inputs !== inputs) return;
  const waitMs = Math.min(waits.first * 2 ** (failed.times - 1), waits.last) * 60_000;
  const now = Date.now();
  const next = Date.parse(failed.at) + waitMs;
  // A time beyond the wait means that the clock was set back. It would delay the update for ever.
  if (!(next > now && next <= now + waitMs)) return;
  throw new LaterError(
    `The same update of ${stack} failed ${failed.times === 1 ? "once" : `${failed.times} times in a row`}, so the next attempt is not before ${new Date(next).toISOString()}.`,
    "Correct the cause, or add --now.",
  );
}
