import type * as k8s from "@kubernetes/client-node";
import {
  creationTrouble,
  namesAccount,
  oneLine,
  podTrouble,
  type PodTroubleKind,
  type Trouble,
} from "@mcp-fleet/kube";

import { containerName } from "./restricted-job";

/** Why a probe's pod has not answered. */
export interface ProbeTrouble extends Trouble {
  /** What to do about it, as a sentence. */
  readonly fix: string;
}

const fixes: Readonly<Record<Exclude<PodTroubleKind, "init" | "unready">, string>> = {
  image: "Check probe.image and probe.imagePullSecrets.",
  start: "Check probe.image, and what the node's kubelet says about it.",
  crash: "Check probe.image.",
  schedule: "Make room on the cluster, then run again.",
};

/** The state of the probe's own container. */
export function probeState({ status }: k8s.V1Pod): k8s.V1ContainerState | undefined {
  return status?.containerStatuses?.find(({ name }) => name === containerName)?.state;
}

/** What keeps a probe's pod from running, as far as its status tells; undefined while nothing looks wrong. */
export function probeTrouble(pod: k8s.V1Pod): ProbeTrouble | undefined {
  const trouble = podTrouble(pod, containerName);
  // A probe's pod is never ready, so that no Service leads to it.
  if (trouble === undefined || trouble.kind === "init" || trouble.kind === "unready")
    return undefined;
  return { ...trouble, fix: fixes[trouble.kind] };
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
  const printed =
    lastWords === "" || lastWords.startsWith("{") ? "" : `, saying "${oneLine(lastWords)}"`;
  return `ended with exit code ${ended.exitCode} (${podReason ?? ended.reason ?? "no reason given"})${printed}`;
}

/** Why a probe's Job made no pod, as the events about it say. */
export function jobTrouble(events: readonly k8s.CoreV1Event[]): ProbeTrouble | undefined {
  const trouble = creationTrouble(events);
  if (trouble === undefined) return undefined;
  return {
    ...trouble,
    fix: trouble.reason.includes("PodSecurity")
      ? "The pod already has the restricted profile; check what else the namespace's policy asks for."
      : namesAccount(trouble.reason)
        ? "Check the serviceAccount of this consumer."
        : "Check the namespace's quotas and admission policies.",
  };
}
