import type * as k8s from "@kubernetes/client-node";
import { oneLine } from "@mcp-fleet/kube";

import { containerName } from "./job-spec";

/** Why a probe's pod has not answered. */
export interface Trouble {
  /** A predicate that reads on after "the probe's pod". */
  readonly reason: string;
  /** What to do about it, as a sentence. */
  readonly fix: string;
  /** How long this state may last before it counts, in seconds: some of them pass by themselves. */
  readonly patienceSeconds: number;
}

const images = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
]);
const broken = new Set(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);

/** The state of the probe's own container, or of the named one. */
export function probeState(
  { status }: k8s.V1Pod,
  container: string = containerName,
): k8s.V1ContainerState | undefined {
  return status?.containerStatuses?.find(({ name }) => name === container)?.state;
}

/** What keeps a pod from running, as far as its status tells; undefined while nothing looks wrong. */
export function podTrouble(pod: k8s.V1Pod, container?: string): Trouble | undefined {
  const waiting = probeState(pod, container)?.waiting;
  const reason = waiting?.reason ?? "";
  const detail = waiting?.message === undefined ? "" : `: ${oneLine(waiting.message)}`;
  const image = pod.spec?.containers[0]?.image ?? "";
  if (images.has(reason)) {
    return {
      reason: `cannot pull its image ${image} (${reason}${detail})`,
      fix: "Check probe.image and probe.imagePullSecrets.",
      patienceSeconds: reason === "InvalidImageName" || reason === "ErrImageNeverPull" ? 0 : 20,
    };
  }
  if (broken.has(reason)) {
    return {
      reason: `cannot start its container (${reason}${detail})`,
      fix: "Check probe.image, and what the node's kubelet says about it.",
      patienceSeconds: 20,
    };
  }
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") {
    return {
      reason: `is taken by no node (${scheduled.reason ?? "Unschedulable"}: ${oneLine(scheduled.message ?? "no reason given")})`,
      fix: "Make room on the cluster, then run again.",
      // An autoscaler may be adding a node, so the run's whole time is its.
      patienceSeconds: Infinity,
    };
  }
  return undefined;
}

/** Why a pod that has ended left no complete answer. */
export function endTrouble(pod: k8s.V1Pod, log: string): string {
  const ended = probeState(pod)?.terminated;
  const podReason = pod.status?.reason;
  if (ended === undefined) {
    return `ended without running (${podReason ?? "no reason given"}${pod.status?.message === undefined ? "" : `: ${oneLine(pod.status.message)}`})`;
  }
  const lastWords =
    (log.trim() === "" ? (ended.message ?? "") : log).trim().split("\n").at(-1) ?? "";
  const said =
    lastWords === "" || lastWords.startsWith("{") ? "" : `, saying "${oneLine(lastWords)}"`;
  return `ended with exit code ${ended.exitCode} (${podReason ?? ended.reason ?? "no reason given"})${said}`;
}

/** What the events about a Job say that could not make its pod: a policy, a quota, a service account. */
export function creationTrouble(events: readonly k8s.CoreV1Event[]): Trouble | undefined {
  const failed = events.filter(({ reason }) => reason === "FailedCreate").at(-1);
  if (failed === undefined) return undefined;
  const message = oneLine(failed.message ?? "no reason given");
  const account = /service account|serviceaccount/i.test(message);
  return {
    reason: `cannot be made: ${message}`,
    fix: /PodSecurity/.test(message)
      ? "The pod already has the restricted profile; check what else the namespace's policy asks for."
      : account
        ? "Check the serviceAccount of this consumer."
        : "Check the namespace's quotas and admission policies.",
    patienceSeconds: account ? 15 : 0,
  };
}
