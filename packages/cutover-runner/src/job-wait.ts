import { setTimeout as sleep } from "node:timers/promises";

import type * as k8s from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";
import { asking, type Kube, oneLine } from "@mcp-fleet/kube";

import { jobTrouble, probeState, type ProbeTrouble, probeTrouble } from "./pod-trouble";
import { type OnProgress, speaking } from "./progress";
import { containerName, keepSeconds } from "./restricted-job";

const pollMs = 250;

/** A Job with the probe's image that was made. */
export interface StartedJob {
  readonly namespace: string;
  readonly name: string;
  /** How messages name the place of its pod: `a pod with the labels of "web"`. */
  readonly from: string;
  /** How its progress is told apart from that of others. */
  readonly label: string;
  /** When waiting for it ends, in seconds. */
  readonly limitSeconds: number;
}

/**
 * Waits until the probe's process has ended, or something shows that it will not. The Job's own status says so a
 * second or two later; it is asked for pods that went without a word.
 */
export async function finished(
  kube: Kube,
  started: StartedJob,
  onProgress?: OnProgress,
): Promise<{ pod: k8s.V1Pod; job: k8s.V1Job }> {
  const { namespace, name, limitSeconds } = started;
  const end = Date.now() + limitSeconds * 1000;
  let troubledSince: number | undefined;
  let pod: k8s.V1Pod | undefined;
  let trouble: ProbeTrouble | undefined;
  const say = speaking(onProgress);
  while (Date.now() < end) {
    const job = await asking(kube, `read Job ${namespace}/${name}`, () =>
      kube.batch.readNamespacedJob({ namespace, name }),
    );
    pod = (await podsOf(kube, namespace, name))[0];
    if (pod !== undefined && probeState(pod)?.terminated !== undefined) return { pod, job };
    const over = job.status?.conditions?.some(
      ({ type, status }) => status === "True" && (type === "Complete" || type === "Failed"),
    );
    if (over === true && pod !== undefined) return { pod, job };
    trouble = pod === undefined ? await creationOf(kube, namespace, name) : probeTrouble(pod);
    say(`${started.label}: ${doing(pod, trouble)}`);
    if (over === true)
      trouble ??= { reason: "is gone before it was read", fix: "Run again.", patienceSeconds: 0 };
    troubledSince = trouble === undefined ? undefined : (troubledSince ?? Date.now());
    if (
      trouble !== undefined &&
      Date.now() - (troubledSince ?? 0) >= trouble.patienceSeconds * 1000
    )
      break;
    await sleep(pollMs);
  }
  const reason = trouble?.reason ?? `has not ended within ${limitSeconds} seconds`;
  throw jobError(started, reason, trouble?.fix);
}

/** What a probe that has not ended is at. */
function doing(pod: k8s.V1Pod | undefined, trouble: ProbeTrouble | undefined): string {
  if (trouble !== undefined) return `the probe's pod ${trouble.reason}`;
  if (pod === undefined) return "the probe's pod is being made";
  return probeState(pod)?.running === undefined
    ? "the probe's pod is starting"
    : "the servers are being asked";
}

async function podsOf(kube: Kube, namespace: string, job: string): Promise<k8s.V1Pod[]> {
  const labelSelector = `batch.kubernetes.io/job-name=${job}`;
  const list = await asking(kube, `list pods in ${namespace}`, () =>
    kube.core.listNamespacedPod({ namespace, labelSelector }),
  );
  return list.items;
}

/** Events are a comfort: without the right to read them the wait just ends later and says less. */
async function creationOf(
  kube: Kube,
  namespace: string,
  name: string,
): Promise<ProbeTrouble | undefined> {
  const fieldSelector = `involvedObject.kind=Job,involvedObject.name=${name}`;
  const events = await quietly(() => kube.core.listNamespacedEvent({ namespace, fieldSelector }));
  return jobTrouble(events?.items ?? []);
}

/** How much of a probe's log is read, in bytes. A server's result is far below a megabyte. */
const maxLogBytes = 16 * 1024 * 1024;

/** The pod's log, else the end of it that the kubelet kept in the pod's status. */
export async function readLog(kube: Kube, namespace: string, pod: k8s.V1Pod): Promise<string> {
  const name = pod.metadata?.name ?? "";
  const kept = probeState(pod)?.terminated?.message;
  try {
    const log = await kube.core.readNamespacedPodLog({
      ...{ namespace, name, container: containerName },
      limitBytes: maxLogBytes,
    });
    return log === "" ? (kept ?? "") : log;
  } catch (error) {
    if (kept !== undefined) return kept;
    return asking(kube, `read the log of pod ${namespace}/${name}`, () =>
      Promise.reject(error as Error),
    );
  }
}

/** For tidying up: what it leaves has a time to live of its own, so a failure here fails no run. */
export async function quietly<T>(request: () => Promise<T>): Promise<T | undefined> {
  try {
    return await request();
  } catch {
    return undefined;
  }
}

/** A probe that could not run. @param fix comes before where to look at its Job */
export function jobError(
  { from, namespace, name }: Pick<StartedJob, "from" | "namespace" | "name">,
  reason: string,
  fix = "",
): UserError {
  return new UserError(
    `The servers could not be probed from ${from}: the probe's pod ${oneLine(reason)}. Rows and application are untouched.`,
    `${fix} Job ${namespace}/${name} stays for ${keepSeconds / 60} minutes: kubectl -n ${namespace} describe job,pod -l batch.kubernetes.io/job-name=${name}`.trim(),
  );
}
