import type * as k8s from "@kubernetes/client-node";

import { oneLine } from "./errors";
import { podTrouble } from "./pod-trouble";
import { isPodOf } from "./pods";

/** Wanted replicas; the API server's own default is 1. */
export function wantedReplicas({ spec }: k8s.V1Deployment): number {
  return spec?.replicas ?? 1;
}

/** Replicas of an earlier template that are still there; the pods that end are not counted. */
export function oldReplicas({ status }: k8s.V1Deployment): number {
  return Math.max(0, (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0));
}

/** Whether the Deployment's controller has seen what is wanted now: until then its status is of before. */
export function isObserved({ metadata, status }: k8s.V1Deployment): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
}

/** What still keeps a Deployment from having all its replicas on its newest template; undefined when nothing does. */
export function pendingReason(deployment: k8s.V1Deployment): string | undefined {
  if (!isObserved(deployment)) return "its controller has not seen the change yet";
  const { spec, status } = deployment;
  const wanted = wantedReplicas(deployment);
  const [ready, updated] = [status?.readyReplicas ?? 0, status?.updatedReplicas ?? 0];
  const [available, all] = [status?.availableReplicas ?? 0, status?.replicas ?? 0];
  const paused = spec?.paused === true ? ", and its rollout is paused" : "";
  if (updated < wanted) return `${updated} of ${count(wanted)} on the newest template${paused}`;
  if (ready < wanted || available < wanted) return `${ready} of ${count(wanted)} ready${paused}`;
  // While a rollout goes on, the pods before it are ready and available too.
  const old = oldReplicas(deployment);
  if (old > 0) return `${count(old)} of an earlier template still there${paused}`;
  if (all > wanted) return `${count(all - wanted)} too many still there`;
  return undefined;
}

function count(replicas: number): string {
  return replicas === 1 ? "1 replica" : `${replicas} replicas`;
}

/** Why the controller has given up on a rollout (`progressDeadlineSeconds`); undefined while it has not. */
export function stuckReason(deployment: k8s.V1Deployment): string | undefined {
  const progress = deployment.status?.conditions?.find(({ type }) => type === "Progressing");
  if (!isObserved(deployment) || progress?.status !== "False") return undefined;
  return `its rollout is stuck (${progress.reason ?? "no reason given"})`;
}

/** What keeps a Deployment's pods from being ready. */
export interface Troubles {
  /** What does not pass by itself: one sentence part for each. */
  readonly failures: readonly string[];
  /** What may: pods that run and are not ready yet. */
  readonly delays: readonly string[];
}

/**
 * Why a Deployment has not all its replicas on its newest template; nothing for one that has, or wants none.
 * @param pods those of the Deployment; those of others are left out
 */
export function troublesOf(deployment: k8s.V1Deployment, pods: readonly k8s.V1Pod[]): Troubles {
  if (wantedReplicas(deployment) === 0 || pendingReason(deployment) === undefined) {
    return { failures: [], delays: [] };
  }
  const found = pods.flatMap((pod) => {
    const trouble = isPodOf(deployment.metadata?.name, pod) ? podTrouble(pod) : undefined;
    if (trouble === undefined) return [];
    const { kind, reason } = trouble;
    return [{ kind, said: `pod ${pod.metadata?.name} ${reason}` }];
  });
  const those = (unready: boolean): string[] =>
    found.filter(({ kind }) => (kind === "unready") === unready).map(({ said }) => said);
  const stuck = stuckReason(deployment);
  const hard = [...creationFailures(deployment), ...those(false)];
  return {
    failures: hard.length > 0 || stuck === undefined ? hard : [stuck],
    delays: those(true),
  };
}

/** A Deployment whose ReplicaSet may not make pods says so itself: quota, policy, service account. */
function creationFailures({ status }: k8s.V1Deployment): string[] {
  return (status?.conditions ?? [])
    .filter(({ type, status: held }) => type === "ReplicaFailure" && held === "True")
    .map(({ message }) => `no pod can be made: ${oneLine(message ?? "no reason given")}`);
}
