import { randomUUID } from "node:crypto";

import type * as k8s from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";
import { asking, type Kube } from "@mcp-fleet/kube";
import type { ProbeResult } from "@mcp-fleet/mcp-probe";

import {
  deadlineOf,
  jobName,
  needsSecret,
  ownerLabel,
  ownerOf,
  portionsOf,
  probeJob,
  type ProbeObjects,
  startSeconds,
  targetsSecret,
} from "./job-spec";
import { finished, jobError, quietly, readLog, type StartedJob } from "./job-wait";
import { requireKept } from "./kept";
import { phase } from "./phases";
import { endTrouble, probeState } from "./pod-trouble";
import { resultsIn, unanswered } from "./probe-log";
import type { OnProgress } from "./progress";
import type { Consumer, ProbeRun, ProbeSpec, ServerTarget } from "./types";

/** What a pod with one consumer's labels saw. */
export interface ConsumerProbe extends ProbeRun {
  /** In the order of the targets. */
  readonly results: readonly ProbeResult[];
}

/**
 * Asks all targets from a pod with each consumer's labels: one Job each, all at once, in the application's
 * namespace; several, one after the other, for targets that are too many for one. A Job whose servers all passed is deleted; a failed one stays for an hour to be looked at.
 * @param cutoverName identifies the cutover whose finished leftovers are cleared first
 * @param onProgress hears what each Job is at
 * @throws {UserError} when a probe could not run; servers that fail are results, not errors
 */
export async function probeFromCluster(
  kube: Kube,
  cutoverName: string,
  spec: ProbeSpec,
  targets: readonly ServerTarget[],
  onProgress?: OnProgress,
  signal?: AbortSignal,
): Promise<ConsumerProbe[]> {
  const { image, consumers } = spec;
  if (image === undefined || image === "") {
    throw new UserError(
      'probe.image is not set, and probe.from is "cluster".',
      "Set probe.image to an image with the mcp-probe command, built from images/probe.",
    );
  }
  if (consumers.length === 0) {
    throw new UserError(
      "There is no consumer to probe from.",
      'Describe who calls the servers in [consumers], or set probe.from to "here".',
    );
  }
  const common = { owner: ownerOf(cutoverName), spec: { ...spec, image } };
  await requireKept(kube, targets, spec);
  await clearLeftovers(kube, common);
  const seen = consumers.map((): ConsumerProbe[] => []);
  // One after the other: all consumers' Jobs of one portion are enough at once.
  for (const portion of portionsOf(targets, spec)) {
    const runId = randomUUID().slice(0, 8);
    const probe: ProbeObjects = { runId, ...common, targets: portion };
    const outcomes = await Promise.allSettled(
      consumers.map((consumer) =>
        phase("probe job", { consumer: consumer.name, job: jobName(consumer.name, runId) }, () =>
          runJob(kube, probe, consumer, onProgress, signal),
        ),
      ),
    );
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome.status === "rejected") throw outcome.reason;
      seen[at]?.push(outcome.value);
    }
  }
  return seen.flatMap((portions) => together(portions));
}

/** What one pod saw of all targets, as far as several did. The Job is that of a server that failed, where one did. */
function together(portions: readonly ConsumerProbe[]): ConsumerProbe[] {
  const [first] = portions;
  if (first === undefined) return [];
  const { job } = portions.find(({ results }) => results.some(({ ok }) => !ok)) ?? first;
  const completedAt = portions.at(-1)?.completedAt ?? first.completedAt;
  return [{ ...first, job, completedAt, results: portions.flatMap(({ results }) => results) }];
}

async function runJob(
  kube: Kube,
  probe: ProbeObjects,
  consumer: Consumer,
  onProgress?: OnProgress,
  signal?: AbortSignal,
): Promise<ConsumerProbe> {
  const { namespace } = probe.spec;
  const name = jobName(consumer.name, probe.runId);
  const started: StartedJob = {
    ...{ namespace, name, label: consumer.name },
    from: `a pod with the labels of ${JSON.stringify(consumer.name)}`,
    limitSeconds: deadlineOf(probe.spec, probe.targets) + startSeconds,
    ...(signal === undefined ? {} : { signal }),
  };
  const secret = needsSecret(probe.targets);
  let keep = false;
  try {
    signal?.throwIfAborted();
    await startJob(kube, probe, consumer, probeJob(probe, consumer));
    const { pod, job } = await finished(kube, started, onProgress);
    const log = await readLog(kube, namespace, pod);
    const results = resultsIn(log);
    const silent = unanswered(probe.targets, results);
    const passed = results.filter(({ ok }) => ok).length;
    onProgress?.(`${consumer.name}: ${passed} of ${probe.targets.length} servers passed`);
    keep = silent.length > 0 || results.some(({ ok }) => !ok);
    if (silent.length > 0) {
      throw jobError(started, `${endTrouble(pod, log)} and has no answer for ${silent.join(", ")}`);
    }
    const order = probe.targets.map((target) =>
      results.find((result) => result.name === target.name),
    );
    return {
      consumer: consumer.name,
      job: name,
      startedAt: iso(job.status?.startTime),
      completedAt: iso(
        job.status?.completionTime ?? probeState(pod)?.terminated?.finishedAt ?? new Date(),
      ),
      results: order.filter((result) => result !== undefined),
    };
  } catch (error) {
    keep = signal?.aborted !== true;
    throw error;
  } finally {
    if (secret) await quietly(() => kube.core.deleteNamespacedSecret({ namespace, name }));
    if (!keep) await deleteJob(kube, namespace, name);
  }
}

/** Makes a probe's Job, and the Secret with its targets where it has one. */
export async function startJob(
  kube: Kube,
  probe: ProbeObjects,
  consumer: Consumer,
  body: k8s.V1Job,
): Promise<void> {
  const { namespace } = probe.spec;
  const { name = "" } = body.metadata ?? {};
  const at = `${namespace}/${name}`;
  const created = await asking(kube, `create Job ${at}`, () =>
    kube.batch.createNamespacedJob({ namespace, body }),
  );
  if (!needsSecret(probe.targets)) return;
  await asking(kube, `create Secret ${at}`, () =>
    kube.core.createNamespacedSecret({ namespace, body: targetsSecret(probe, created, consumer) }),
  );
  await resume(kube, namespace, name);
}

async function resume(kube: Kube, namespace: string, name: string): Promise<void> {
  const body = [{ op: "replace", path: "/spec/suspend", value: false }];
  await asking(kube, `start Job ${namespace}/${name}`, () =>
    kube.batch.patchNamespacedJob({ namespace, name, body }),
  );
}

/** Deletes what earlier runs of this cutover left and what has ended. One that still runs ends by itself. */
async function clearLeftovers(
  kube: Kube,
  { owner, spec: { namespace } }: Pick<ProbeObjects, "owner" | "spec">,
): Promise<void> {
  const labelSelector = `${ownerLabel}=${owner}`;
  const [jobs, pods] = await Promise.all([
    asking(kube, `list Jobs in ${namespace}`, () =>
      kube.batch.listNamespacedJob({ namespace, labelSelector }),
    ),
    asking(kube, `list pods in ${namespace}`, () =>
      kube.core.listNamespacedPod({ namespace, labelSelector }),
    ),
  ]);
  // A Job says only a while after its process that it has ended.
  const done = new Set(
    pods.items
      .filter((pod) => probeState(pod)?.terminated !== undefined)
      .map(({ metadata }) => metadata?.labels?.["batch.kubernetes.io/job-name"]),
  );
  const ended = jobs.items.filter(({ metadata, status, spec }) => {
    const over =
      done.has(metadata?.name) ||
      status?.conditions?.some(
        ({ type, status: is }) => is === "True" && /^(Complete|Failed)$/.test(type),
      );
    // A suspended one waits for a Secret that a crashed run never made; a minute tells it from one of right now.
    const age = Date.now() - (metadata?.creationTimestamp?.getTime() ?? 0);
    return over === true || (spec?.suspend === true && age > 60_000);
  });
  await Promise.all(ended.map(({ metadata }) => deleteJob(kube, namespace, metadata?.name ?? "")));
}

export async function deleteJob(kube: Kube, namespace: string, name: string): Promise<void> {
  await quietly(() =>
    kube.batch.deleteNamespacedJob({ namespace, name, propagationPolicy: "Background" }),
  );
}

function iso(time: Date | string | undefined): string {
  return time === undefined ? "" : new Date(time).toISOString();
}
