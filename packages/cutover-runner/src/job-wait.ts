import { setTimeout as sleep } from "node:timers/promises";

import type * as k8s from "@kubernetes/client-node";
import { timeLimit, UserError } from "@mcp-fleet/errors";
import { asking, followJob, type Kube, oneLine, podsOfJob } from "@mcp-fleet/kube";

import { jobTrouble, probeState, type ProbeTrouble, probeTrouble } from "./pod-trouble";
import { type OnProgress, speaking } from "./progress";
import { containerName, keepSeconds } from "./restricted-job";

/** How often an identity that may not watch reads the Job and lists its pods, in seconds. */
const orListSeconds = 1;

/** How often the pod's trouble is looked at, in milliseconds. */
const lookMs = 250;

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
  /** Ends the wait with its reason. @default nothing but the time does */
  readonly signal?: AbortSignal;
  /** What keeps its pod from running. @default what keeps the probe's own container from it */
  readonly troubleOf?: (pod: k8s.V1Pod) => ProbeTrouble | undefined;
  /** The error for that, or for a wait that was too long. @default {@link jobError} */
  readonly failed?: (reason: string, fix?: string) => UserError;
}

/** A probe that has ended, with its Job as it was then. */
interface Finished {
  readonly pod: k8s.V1Pod;
  readonly job: k8s.V1Job;
}

/** The Job and its pod as they were last seen. */
interface Seen {
  job?: k8s.V1Job;
  pod?: k8s.V1Pod | undefined;
}

/**
 * Waits until the probe's process has ended, or something shows that it will not. The Job's own status follows a second
 * or two later. It counts where the pod's status never said that the process ended.
 * @throws {UserError} when the probe cannot run, its Job is deleted, or the time is over; the signal's reason
 */
export async function finished(
  kube: Kube,
  started: StartedJob,
  onProgress?: OnProgress,
): Promise<Finished> {
  const seen: Seen = {};
  const ended = new AbortController();
  const stopped = started.signal === undefined ? [] : [started.signal];
  const signal = AbortSignal.any([timeLimit(started.limitSeconds), ended.signal, ...stopped]);
  const following = followJob(
    kube,
    started,
    (job, pods) => {
      if (job === undefined) throw deleted(started);
      [seen.job, seen.pod] = [job, pods[0]];
      return endOf(seen);
    },
    { signal, orListSeconds },
  );
  const looking = untilHopeless(kube, started, seen, signal, onProgress);
  try {
    return await Promise.race([following, looking]);
  } catch (error) {
    started.signal?.throwIfAborted();
    // Both end when the time is over. The look knows the reason.
    if (!signal.aborted) throw error;
    return await looking;
  } finally {
    ended.abort();
    await Promise.allSettled([following, looking]);
  }
}

function endOf({ job, pod }: Seen): Finished | undefined {
  if (job === undefined || pod === undefined) return undefined;
  return probeState(pod)?.terminated !== undefined || isOver(job) ? { pod, job } : undefined;
}

const isOver = ({ status }: k8s.V1Job): boolean =>
  status?.conditions?.some(
    (one) => one.status === "True" && (one.type === "Complete" || one.type === "Failed"),
  ) === true;

/**
 * Checks again and again what keeps the pod from running, and reports progress. A watch of pods shows neither events nor
 * how long a trouble lasts.
 * @throws {UserError} when a trouble has lasted longer than it may, or the time is over
 */
async function untilHopeless(
  kube: Kube,
  started: StartedJob,
  seen: Readonly<Seen>,
  signal: AbortSignal,
  onProgress?: OnProgress,
): Promise<Finished> {
  const say = speaking(onProgress);
  let troubledSince: number | undefined;
  let trouble: ProbeTrouble | undefined;
  while (!signal.aborted) {
    const { job, pod } = seen;
    if (job !== undefined) {
      const over = isOver(job);
      if (over && pod === undefined) {
        // The watch of pods may be behind that of the Job.
        const late = (await podsOfJob(kube, started))[0];
        if (late !== undefined) return { pod: late, job };
      }
      trouble =
        pod === undefined
          ? await creationOf(kube, started.namespace, started.name)
          : (started.troubleOf ?? probeTrouble)(pod);
      if (over)
        trouble ??= {
          reason: "was deleted before it was read",
          fix: "Run again.",
          patienceSeconds: 0,
        };
      say(`${started.label}: ${doing(pod, trouble)}`);
      troubledSince = trouble === undefined ? undefined : (troubledSince ?? Date.now());
      const lasted = Date.now() - (troubledSince ?? Date.now());
      if (trouble !== undefined && lasted >= trouble.patienceSeconds * 1000) break;
    }
    await sleep(lookMs, undefined, { signal }).catch(() => undefined);
  }
  const reason = trouble?.reason ?? `has not ended within ${started.limitSeconds} seconds`;
  throw started.failed?.(reason, trouble?.fix) ?? jobError(started, reason, trouble?.fix);
}

function deleted({ namespace, name, from }: StartedJob): UserError {
  return new UserError(
    `Job ${namespace}/${name}, which probes the servers from ${from}, was deleted before it ended. Rows and application are untouched.`,
    "Find out who removed it, then run again.",
  );
}

/** What a probe that has not ended is at. */
function doing(pod: k8s.V1Pod | undefined, trouble: ProbeTrouble | undefined): string {
  if (trouble !== undefined) return `the probe's pod ${trouble.reason}`;
  if (pod === undefined) return "the probe's pod is being made";
  return probeState(pod)?.running === undefined
    ? "the probe's pod is starting"
    : "the servers are being asked";
}

/** An identity without the right to read events waits longer, and its error says less. */
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

/** For cleaning up. What stays has a time to live of its own, so a failure here fails no run. */
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
