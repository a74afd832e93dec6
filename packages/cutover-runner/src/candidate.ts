import { randomUUID } from "node:crypto";

import type * as k8s from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";
import {
  getWorkload,
  type Kube,
  mainContainer,
  oneLine,
  podTrouble,
  type WorkloadRef,
} from "@mcp-fleet/kube";
import type { ProbeResult } from "@mcp-fleet/mcp-probe";

import {
  deadlineOf,
  jobName,
  ownerOf,
  probeJob,
  type ProbeObjects,
  startSeconds,
} from "./job-spec";
import { finished, quietly, readLog } from "./job-wait";
import { endTrouble, type ProbeTrouble } from "./pod-trouble";
import { deleteJob, startJob } from "./probe-job";
import { resultsIn } from "./probe-log";
import type { OnProgress } from "./progress";
import { containerName } from "./restricted-job";
import type { ProbeSpec, ServerTarget } from "./types";

/** A release of a server that does not run yet. */
export interface Candidate {
  /** The server that runs: all but the image is taken from it. */
  readonly workload: WorkloadRef;
  readonly image: string;
  /** Names of init containers that it does without, such as a sidecar that watches the server. @default none */
  readonly without?: readonly string[];
  /** As the server's clients ask it. */
  readonly target: ServerTarget;
  /** Ends the wait, and removes the pod. @default nothing does */
  readonly signal?: AbortSignal;
}

/**
 * Starts a release of a server beside the one that runs, with that one's own configuration and credentials, asks it from
 * within its pod, and removes it. No Service leads to it, and it has empty volumes in place of the server's data.
 * @param cutoverName labels what is made
 * @throws {UserError} when it could not be started; what it answers is a result
 */
export async function askCandidate(
  kube: Kube,
  cutoverName: string,
  { image = "", ...spec }: ProbeSpec,
  candidate: Candidate,
  onProgress?: OnProgress,
): Promise<ProbeResult> {
  const { namespace } = spec;
  const { target, signal } = candidate;
  const template = await templateOf(kube, candidate);
  const runId = randomUUID().slice(0, 8);
  const probe: ProbeObjects = {
    ...{ runId, owner: ownerOf(cutoverName), spec: { ...spec, image }, targets: [target] },
  };
  const consumer = { name: "candidate", labels: template.metadata?.labels ?? {} };
  const body = probeJob(probe, consumer);
  const name = jobName(consumer.name, runId);
  const pod = body.spec?.template;
  if (pod?.spec === undefined) throw new Error("no pod template");
  pod.spec = besideCandidate(pod.spec, template, candidate);
  // Such as those by which something puts credentials into the server's pod.
  pod.metadata = { ...pod.metadata, annotations: template.metadata?.annotations ?? {} };
  try {
    signal?.throwIfAborted();
    await startJob(kube, probe, consumer, body);
    const ended = await finished(
      kube,
      {
        ...{ namespace, name, from: "its own pod", label: target.name },
        ...(signal === undefined ? {} : { signal }),
        limitSeconds: deadlineOf(spec, [target]) + startSeconds,
        troubleOf: (seen) => candidateTrouble(candidate, seen),
        failed: (reason, fix) => notStarted(candidate, reason, fix),
      },
      onProgress,
    );
    const log = await readLog(kube, namespace, ended.pod);
    const [result] = resultsIn(log);
    if (result !== undefined) return result;
    throw notStarted(candidate, endTrouble(ended.pod, log));
  } finally {
    await quietly(() => kube.core.deleteNamespacedSecret({ namespace, name }));
    await deleteJob(kube, namespace, name);
  }
}

/** @throws {UserError} for a pod of which there cannot be a second one on a node */
async function templateOf(kube: Kube, { workload }: Candidate): Promise<k8s.V1PodTemplateSpec> {
  const { spec } = await getWorkload(kube, workload);
  if (spec?.template.spec?.hostNetwork === true)
    throw new UserError(
      `${workload.name} uses its node's network, so a second pod of it finds its port taken.`,
      "Try the image in a stack of its own, and lock its tools there.",
    );
  return spec?.template ?? {};
}

function notStarted({ image, target }: Candidate, reason: string, fix = ""): UserError {
  return new UserError(
    `${target.name} could not be asked with ${image}: its pod ${oneLine(reason)}. Nothing of it is left.`,
    fix === "" ? `Run the image by hand to see why.` : fix,
  );
}

/** The probe's pod with the server in it: its containers as sidecars, so that they end with the probe. */
function besideCandidate(
  probe: k8s.V1PodSpec,
  template: k8s.V1PodTemplateSpec,
  { image, target, without = [] }: Candidate,
): k8s.V1PodSpec {
  const { spec: server } = template;
  if (server === undefined) throw new Error("no pod template");
  const { imagePullSecrets = [] } = server;
  const container = mainContainer(template)?.name;
  const released = (one: k8s.V1Container): k8s.V1Container =>
    one.name === container ? { ...one, image } : one;
  const first = (server.initContainers ?? []).filter(({ name }) => !without.includes(name));
  const beside = [...first, ...server.containers.map((one) => sidecarOf(released(one)))];
  return {
    ...server,
    ...{ restartPolicy: "Never", readinessGates: probe.readinessGates },
    terminationGracePeriodSeconds: probe.terminationGracePeriodSeconds,
    imagePullSecrets: [...imagePullSecrets, ...(probe.imagePullSecrets ?? [])],
    // The URL is that of the server that runs; here its host is this pod.
    hostAliases: [
      ...(server.hostAliases ?? []),
      { ip: "127.0.0.1", hostnames: [new URL(target.url).hostname] },
    ],
    initContainers: beside.map(withoutProbesName),
    containers: probe.containers.map((one) => ({
      ...one,
      volumeMounts: (one.volumeMounts ?? []).map(ofProbe),
    })),
    volumes: [...volumesWithoutData(server.volumes, beside), ...(probe.volumes ?? []).map(ofProbe)],
  };
}

/** The names of a stack's containers and volumes are its own; those of the probe may be among them. */
const withoutProbesName = (one: k8s.V1Container): k8s.V1Container =>
  one.name === containerName ? { ...one, name: `${containerName}-of-server` } : one;

const ofProbe = <T extends { readonly name: string }>(one: T): T => ({
  ...one,
  name: `mcp-probe-${one.name}`,
});

/** It starts at once, is not restarted for being slow and drains nobody: the probe is all that there is. */
function sidecarOf(one: k8s.V1Container): k8s.V1Container {
  const { startupProbe, readinessProbe, livenessProbe, lifecycle, ports = [], ...kept } = one;
  return {
    ...kept,
    ports: ports.map(({ hostPort, hostIP, ...port }) => port),
    restartPolicy: "Always",
  };
}

/** Kinds of volumes that hold nothing that a server has written, beside what belongs to the pod alone. */
const harmless = [
  "configMap",
  "secret",
  "projected",
  "downwardAPI",
  "emptyDir",
  "image",
  "csi",
] as const;

/**
 * Two processes never share a server's data: a volume that may hold some is empty here, and so is one that a StatefulSet would
 * make for the pod. What all containers only read stays, unless it is a claim, which another node may not get.
 */
function volumesWithoutData(
  volumes: readonly k8s.V1Volume[] = [],
  containers: readonly k8s.V1Container[],
): k8s.V1Volume[] {
  const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
  const known = new Set(volumes.map(({ name }) => name));
  const isKept = (volume: k8s.V1Volume): boolean => {
    if (volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined) return false;
    const own = mounts.filter(({ name }) => name === volume.name);
    return (
      harmless.some((kind) => volume[kind] !== undefined) ||
      own.every(({ readOnly }) => readOnly === true)
    );
  };
  const claimed = mounts.map(({ name }) => name).filter((name) => !known.has(name));
  return [
    ...volumes.map((one) => (isKept(one) ? one : { name: one.name, emptyDir: {} })),
    ...[...new Set(claimed)].map((name) => ({ name, emptyDir: {} })),
  ];
}

function candidateTrouble({ image }: Candidate, pod: k8s.V1Pod): ProbeTrouble | undefined {
  const trouble = podTrouble(pod);
  if (trouble === undefined || trouble.kind === "unready" || trouble.kind === "init")
    return undefined;
  const own = pod.spec?.initContainers?.some(
    (one) => one.name === trouble.container && one.image === image,
  );
  return {
    ...trouble,
    fix:
      own === true
        ? `Check the image ${image}.`
        : "Check what kubectl says of the namespace's events.",
  };
}
