import type * as k8s from "@kubernetes/client-node";

import { oneLine } from "./errors";
import { creationFailure, podTrouble } from "./pod-trouble";
import { isPodOf } from "./pods";
import { heldBack, isOnDelete, isPaused, isStatefulSet, type Workload } from "./servers/workload";

/** Wanted replicas; the API server's own default is 1. */
export function wantedReplicas({ spec }: Workload): number {
  return spec?.replicas ?? 1;
}

/** Replicas of an earlier template that are still there; the pods that end are not counted. */
export function oldReplicas({ status }: Workload): number {
  return Math.max(0, (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0));
}

/** Whether the controller has observed the newest spec. Until then the status describes an earlier one. */
export function isObserved({ metadata, status }: Workload): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
}

/**
 * Why a workload does not yet have all replicas on its newest template; undefined when it has. Pods that a StatefulSet
 * keeps on an earlier template because of its update strategy count as up to date.
 */
export function pendingReason(workload: Workload): string | undefined {
  return pending(workload, wantedOnNewest(workload));
}

/**
 * Why a workload does not have all replicas ready, whatever template they have. A wait on a paused rollout can ask for
 * no more.
 */
export function unreadyReason(workload: Workload): string | undefined {
  return pending(workload, isPaused(workload) ? 0 : wantedOnNewest(workload));
}

function pending(workload: Workload, onNewest: number): string | undefined {
  if (!isObserved(workload)) return "its controller has not seen the change yet";
  const { status } = workload;
  const wanted = wantedReplicas(workload);
  const [ready, updated] = [status?.readyReplicas ?? 0, status?.updatedReplicas ?? 0];
  const [available, all] = [status?.availableReplicas ?? 0, status?.replicas ?? 0];
  const paused = isPaused(workload) ? ", and its rollout is paused" : "";
  if (updated < onNewest) return `${updated} of ${count(onNewest)} on the newest template${paused}`;
  if (ready < wanted || available < wanted) return `${ready} of ${count(wanted)} ready${paused}`;
  // While a rollout goes on, the pods before it are ready and available too.
  const old = oldReplicas(workload) - (wanted - onNewest);
  if (old > 0) return `${count(old)} of an earlier template still there${paused}`;
  if (all > wanted) return `${count(all - wanted)} too many still there`;
  return undefined;
}

/** How many replicas the controller updates to the newest template by itself. */
function wantedOnNewest(workload: Workload): number {
  if (isOnDelete(workload)) return 0;
  return Math.max(0, wantedReplicas(workload) - heldBack(workload));
}

function count(replicas: number): string {
  return replicas === 1 ? "1 replica" : `${replicas} replicas`;
}

/** Why the controller has given up on a rollout (`progressDeadlineSeconds`); undefined while it has not. */
export function stuckReason(workload: Workload): string | undefined {
  const progress = conditionsOf(workload).find(({ type }) => type === "Progressing");
  if (!isObserved(workload) || progress?.status !== "False") return undefined;
  return `its rollout is stuck (${progress.reason ?? "no reason given"})`;
}

/** What keeps a workload's pods from being ready. */
export interface Troubles {
  /** Causes that do not pass by themselves; a part of a sentence each. */
  readonly failures: readonly string[];
  /** Causes that may pass: pods that run and are not ready yet. */
  readonly delays: readonly string[];
}

/** All causes, the worst first. */
export function allTroubles({ failures, delays }: Troubles): string[] {
  return [...failures, ...delays];
}

/**
 * Why a workload does not have all replicas on its newest template; empty when it has, or wants none.
 * @param pods those of the workload; those of others are left out
 * @param events those that say why a StatefulSet makes no pod
 */
export function troublesOf(
  workload: Workload,
  pods: readonly k8s.V1Pod[],
  events: readonly k8s.CoreV1Event[] = [],
): Troubles {
  if (wantedReplicas(workload) === 0 || pendingReason(workload) === undefined) {
    return { failures: [], delays: [] };
  }
  const found = pods.flatMap((pod) => {
    const trouble = isPodOf(workload, pod) ? podTrouble(pod) : undefined;
    if (trouble === undefined) return [];
    const { kind, reason } = trouble;
    return [
      { delay: kind === "unready" || kind === "init", text: `pod ${pod.metadata?.name} ${reason}` },
    ];
  });
  const those = (wanted: boolean): string[] =>
    found.filter(({ delay }) => delay === wanted).map(({ text }) => text);
  const stuck = stuckReason(workload);
  const hard = [...creationFailures(workload, events), ...those(false)];
  return {
    failures: hard.length > 0 || stuck === undefined ? hard : [stuck],
    delays: those(true),
  };
}

/** Why no pod can be made: quota, policy, service account. A Deployment says it itself, of a StatefulSet there are events. */
function creationFailures(workload: Workload, events: readonly k8s.CoreV1Event[]): string[] {
  if (!isStatefulSet(workload)) {
    return conditionsOf(workload)
      .filter(({ type, status }) => type === "ReplicaFailure" && status === "True")
      .map(({ message }) => `no pod can be made: ${oneLine(message ?? "no reason given")}`);
  }
  // An event may be out of date. It counts while pods are missing.
  if ((workload.status?.replicas ?? 0) >= wantedReplicas(workload)) return [];
  const { name, uid } = workload.metadata ?? {};
  const own = events.filter(
    ({ involvedObject: about }) => about.name === name && (about.uid ?? uid) === uid,
  );
  const failure = creationFailure(own);
  return failure === undefined ? [] : [`no pod can be made: ${failure}`];
}

/** A StatefulSet has the field in the API, but its controller never sets it. */
function conditionsOf(workload: Workload): readonly k8s.V1DeploymentCondition[] {
  return workload.status?.conditions ?? [];
}
