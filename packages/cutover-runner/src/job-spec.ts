import { createHash } from "node:crypto";

import type * as k8s from "@kubernetes/client-node";
import { jsonForEnv, UserError } from "@mcp-fleet/errors";
import { defaultDeadlineSeconds, type ProbeOptions } from "@mcp-fleet/mcp-probe";

import { mountedTargets, MountedValues, readable } from "./mounted";
import { type ProbeContainer, restrictedJob } from "./restricted-job";
import type { Consumer, ProbeSpec, ServerTarget } from "./types";

/** On every object of a probe; the value is the probe run's id. */
export const runLabel = "mcp-fleet.dev/probe-run";
/** On every object of a probe; the value identifies the cutover, so that leftovers of its earlier runs are found. */
export const ownerLabel = "mcp-fleet.dev/probe-of";
/** Time for scheduling, pulling the image and starting, beside the probing itself, in seconds. */
export const startSeconds = 120;

/** How long all servers may take to pass or fail, in seconds: what is configured, else the probe's own limits. */
export function deadlineOf(
  { deadlineSeconds }: Pick<ProbeSpec, "deadlineSeconds">,
  targets: readonly ServerTarget[],
): number {
  const answers = targets.map(({ answerSeconds = 0 }) => answerSeconds);
  return deadlineSeconds ?? Math.max(defaultDeadlineSeconds, ...answers);
}

/** The probe's options for one consumer. What is not configured is left out, so that an older image accepts them too. */
export const probeOptions = (
  { deadlineSeconds, definitions }: Partial<Pick<ProbeSpec, "deadlineSeconds" | "definitions">>,
  { protocols }: Pick<Consumer, "protocols">,
): ProbeOptions => ({
  ...(deadlineSeconds === undefined ? {} : { deadlineSeconds }),
  ...(protocols === undefined ? {} : { protocols }),
  ...(definitions === undefined ? {} : { definitions }),
});

/** A longer list does not fit one environment variable of a process (128 KiB on Linux). */
const maxEnvironmentBytes = 100_000;

/** What one Secret holds, in bytes, with room for its metadata: the API server refuses one of more than 1 MiB. */
const maxSecretBytes = 900_000;
/** How many servers one Job asks for their definitions: a node keeps 10 MiB of a container's log. */
const maxDefined = 50;

/** The targets of each Job, in their order: a tools lock makes some of them long. */
export function portionsOf(
  targets: readonly ServerTarget[],
  { definitions = false }: Pick<ProbeSpec, "definitions">,
): readonly (readonly ServerTarget[])[] {
  const portions: ServerTarget[][] = [[]];
  let bytes = 0;
  for (const target of targets) {
    const size = Buffer.byteLength(targetsJson({ targets: [target], spec: {} }, {}));
    const last = portions.at(-1) ?? [];
    const isFull = bytes + size > maxSecretBytes || (definitions && last.length >= maxDefined);
    if (isFull && last.length > 0) {
      portions.push([target]);
      bytes = size;
      continue;
    }
    last.push(target);
    bytes += size;
  }
  return portions;
}

/** What one probe run makes, for all consumers. */
export interface ProbeObjects {
  readonly runId: string;
  readonly owner: string;
  readonly spec: ProbeSpec & { readonly image: string };
  readonly targets: readonly ServerTarget[];
}

/** The label value that stands for a cutover's name, which may have any characters. */
export function ownerOf(cutoverName: string): string {
  return createHash("sha256").update(cutoverName).digest("hex").slice(0, 16);
}

/** `mcp-probe-<consumer>-<run>`: unique for each run, so that leftovers of a crashed run never block. */
export function jobName(consumer: string, runId: string): string {
  const readable = consumer
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
  return ["mcp-probe", readable, runId].filter((part) => part !== "").join("-");
}

/** Whether the targets go into a Secret: when a header may be one, or when the list is long. */
export function needsSecret(targets: readonly ServerTarget[]): boolean {
  return (
    targets.some(({ headers }) => headers !== undefined && Object.keys(headers).length > 0) ||
    Buffer.byteLength(targetsJson({ targets, spec: {} }, {})) > maxEnvironmentBytes
  );
}

/** The Secret with the targets, owned by its Job so that it cannot outlive it. */
export function targetsSecret(
  probe: ProbeObjects,
  job: k8s.V1Job,
  consumer: Consumer,
): k8s.V1Secret {
  const { name = "", uid = "" } = job.metadata ?? {};
  const owner = { apiVersion: "batch/v1", kind: "Job", name, uid };
  return {
    metadata: {
      name,
      namespace: probe.spec.namespace,
      labels: ownLabels(probe),
      ownerReferences: [owner],
    },
    immutable: true,
    stringData: { "targets.json": targetsJson(probe, consumer) },
  };
}

/**
 * The Job that asks all targets from a pod with one consumer's labels. It starts suspended when its Secret is still
 * to be made.
 * @throws {UserError} when the consumer's labels would clash with ours
 */
export function probeJob(probe: ProbeObjects, consumer: Consumer): k8s.V1Job {
  const { spec, runId } = probe;
  const name = jobName(consumer.name, runId);
  const reserved = Object.keys(consumer.labels).find((key) =>
    /^(mcp-fleet\.dev\/probe-|batch\.kubernetes\.io\/)/.test(key),
  );
  if (reserved !== undefined) {
    throw new UserError(
      `The consumer ${JSON.stringify(consumer.name)} has the label ${reserved}, which belongs to Jobs.`,
      "List only the labels of the application's own pod template in [consumers].",
    );
  }
  const secret = needsSecret(probe.targets);
  const values = new MountedValues();
  mountedTargets(probe.targets, values);
  const volumes: k8s.V1Volume[] = [
    ...(secret ? [{ name: "targets", secret: { secretName: name, defaultMode: readable } }] : []),
    ...values.volumes(),
  ];
  return {
    metadata: { name, namespace: spec.namespace, labels: ownLabels(probe) },
    spec: restrictedJob({
      suspend: secret,
      // Only a safety net: the pods of a Job that runs into it are deleted together with their logs.
      activeSeconds: deadlineOf(spec, probe.targets) + startSeconds + 60,
      labels: { ...consumer.labels, ...ownLabels(probe) },
      serviceAccount: consumer.serviceAccount,
      imagePullSecrets: spec.imagePullSecrets,
      container: container(probe, consumer, { secret, mounts: values.mounts() }),
      volumes,
    }),
  };
}

function container(
  probe: ProbeObjects,
  consumer: Consumer,
  { secret, mounts }: { readonly secret: boolean; readonly mounts: readonly k8s.V1VolumeMount[] },
): ProbeContainer {
  const volumeMounts = [
    ...(secret ? [{ name: "targets", mountPath: "/targets", readOnly: true }] : []),
    ...mounts,
  ];
  return {
    image: probe.spec.image,
    ...(volumeMounts.length > 0 && { volumeMounts }),
    ...(secret
      ? { args: ["/targets/targets.json"] }
      : { env: [{ name: "MCP_PROBE_TARGETS", value: targetsJson(probe, consumer) }] }),
  };
}

function ownLabels({ runId, owner }: ProbeObjects): Record<string, string> {
  return { [runLabel]: runId, [ownerLabel]: owner };
}

function targetsJson(
  { targets, spec }: { targets: readonly ServerTarget[]; spec: Partial<ProbeSpec> },
  consumer: Pick<Consumer, "protocols">,
): string {
  return jsonForEnv({
    targets: mountedTargets(targets, new MountedValues()),
    options: probeOptions(spec, consumer),
  });
}
