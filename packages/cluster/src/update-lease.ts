import type { CoordinationV1Api, V1Lease, V1Pod } from "@kubernetes/client-node";
import { parseBoundedJson, UserError } from "@mcp-fleet/errors";
import { asking, type Kube, statusOf } from "@mcp-fleet/kube";

import type { ClusterRight } from "./run-rights";

/**
 * An update that runs in a pod holds a Lease of the stack's name. The backend's lock in files has no end and names a
 * host only, so the Lease is what shows that the pod that made it is gone (pulumi-kubernetes-operator#368).
 */
export interface UpdateLease {
  /** Pods that held it before, did not give it back, and are gone. Their locks belong to nobody. */
  readonly gone: readonly string[];
  /** Gives it back. @param failed whether the update failed by itself, so that the next one has to wait */
  release(failed: boolean): Promise<void>;
}

/** Which update of which pod. */
export interface LeaseRequest {
  /** Name of the stack, as in `Pulumi.<stack>.yaml`. */
  readonly stack: string;
  /** This pod: its name is its host name. */
  readonly pod: string;
  /** What decides the update: a failed one of the same inputs is not repeated at once. */
  readonly inputs: string;
  /** Whether to run at once after a failure all the same. */
  readonly now: boolean;
}

/** Nothing is wrong; the same may succeed later. */
export class LaterError extends UserError {}

/** Minutes until the next attempt after the first failure; doubled by each further one, up to the last. */
const waits = { first: 1, last: 15 };

const annotation = "mcp-fleet.dev/update";
/** A Lease of ours is a few hundred bytes; an annotation may have 256 KiB. */
const bounds = { characters: 16_384, depth: 6, values: 2_000 };

interface Holder {
  readonly pod: string;
  readonly uid: string;
}

/** What the annotation keeps. */
interface Kept {
  /** Pods that took it and did not give it back, oldest first. */
  readonly holders: readonly Holder[];
  /** The last update that failed by itself. */
  readonly failed?: { readonly inputs: string; readonly times: number; readonly at: string };
}

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
  const { holders, failed } = keptIn(lease);
  const own = await ownPod(kube, request.pod);
  const others = holders.filter(({ uid }) => uid !== own.uid);
  for (const holder of others) await refuseRunning(kube, request.stack, holder);
  if (!request.now) refuseEarly(request, failed);
  const taken = await replaceLease(kube, api, lease, own.pod, {
    holders: [...others, own],
    ...(failed === undefined ? {} : { failed }),
  });
  return {
    gone: others.map(({ pod }) => pod),
    async release(hasFailed) {
      const times = failed?.inputs === request.inputs ? failed.times + 1 : 1;
      const at = new Date().toISOString();
      await replaceLease(kube, api, taken, undefined, {
        holders: [],
        ...(hasFailed ? { failed: { inputs: request.inputs, times, at } } : {}),
      });
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

/** The image that this pod runs, by its digest where the runtime says it. */
export async function ownImages(kube: Kube, pod: string): Promise<string[]> {
  const { status } = await readPod(kube, pod);
  return (status?.containerStatuses ?? []).map(({ imageID, image }) => imageID || image).sort();
}

/** A stack's name may have capitals, `_` and `.`, and an organization before it. */
function leaseName(stack: string): string {
  const plain = stack.toLowerCase().replace(/[^a-z0-9.-]+/g, "-");
  return `mcp-fleet-${plain}`.slice(0, 253).replace(/[^a-z0-9]+$/, "");
}

async function readLease(
  kube: Kube,
  api: CoordinationV1Api,
  name: string,
): Promise<V1Lease | undefined> {
  const { namespace } = kube;
  return asking(kube, `get Lease ${namespace}/${name}`, async () => {
    try {
      return await api.readNamespacedLease({ namespace, name });
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  });
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

async function replaceLease(
  kube: Kube,
  api: CoordinationV1Api,
  lease: V1Lease,
  pod: string | undefined,
  kept: Kept,
): Promise<V1Lease> {
  const { namespace } = kube;
  const name = lease.metadata?.name ?? "";
  const annotations = { ...lease.metadata?.annotations, [annotation]: JSON.stringify(kept) };
  const body: V1Lease = {
    ...lease,
    metadata: { ...lease.metadata, annotations },
    spec: pod === undefined ? {} : { holderIdentity: pod },
  };
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

function keptIn({ metadata }: V1Lease): Kept {
  const text = metadata?.annotations?.[annotation];
  if (text === undefined) return { holders: [] };
  const kept = parsed(text);
  if (isKept(kept)) return kept;
  const { namespace = "", name = "" } = metadata ?? {};
  throw new UserError(
    `The annotation ${annotation} of the Lease ${namespace}/${name} is not what mcp-fleet writes.`,
    `Make sure that no update runs, then: kubectl delete lease -n ${namespace} ${name}`,
  );
}

function parsed(text: string): unknown {
  try {
    return parseBoundedJson(text, bounds);
  } catch {
    return undefined;
  }
}

function isKept(value: unknown): value is Kept {
  const { holders, failed } = (value ?? {}) as Partial<Kept>;
  return (
    Array.isArray(holders) &&
    holders.every(({ pod, uid }: Holder) => typeof pod === "string" && typeof uid === "string") &&
    (failed === undefined || (Number.isInteger(failed.times) && typeof failed.at === "string"))
  );
}

async function ownPod(kube: Kube, pod: string): Promise<Holder> {
  const { metadata } = await readPod(kube, pod);
  return { pod, uid: metadata?.uid ?? "" };
}

async function readPod(kube: Kube, name: string): Promise<V1Pod> {
  const { namespace } = kube;
  return asking(kube, `get pod ${namespace}/${name}`, () =>
    kube.core.readNamespacedPod({ namespace, name }),
  );
}

async function refuseRunning(kube: Kube, stack: string, { pod, uid }: Holder): Promise<void> {
  const { namespace } = kube;
  const found = await asking(kube, `get pod ${namespace}/${pod}`, async () => {
    try {
      return await kube.core.readNamespacedPod({ namespace, name: pod });
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  });
  const ended = found?.status?.phase === "Succeeded" || found?.status?.phase === "Failed";
  if (found === undefined || found.metadata?.uid !== uid || ended) return;
  throw new LaterError(
    `An update of ${stack} is under way in pod ${namespace}/${pod}, so nothing was done.`,
    `Wait until it ends: kubectl wait -n ${namespace} pod/${pod} --for=delete --timeout=30m`,
  );
}

/** Whatever starts us may do so at once and for ever; each attempt would ask every server and lock the stack. */
function refuseEarly({ stack, inputs }: LeaseRequest, failed: Kept["failed"]): void {
  if (failed === undefined || failed.inputs !== inputs) return;
  const minutes = Math.min(waits.first * 2 ** (failed.times - 1), waits.last);
  const next = Date.parse(failed.at) + minutes * 60_000;
  if (!(next > Date.now())) return;
  throw new LaterError(
    `The same update of ${stack} failed ${failed.times === 1 ? "once" : `${failed.times} times in a row`}, so the next attempt is not before ${new Date(next).toISOString()}.`,
    "Mend what it said, or add --now.",
  );
}
