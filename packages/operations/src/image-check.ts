import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import type * as k8s from "@kubernetes/client-node";
import { quietly } from "@mcp-fleet/cutover-runner";
import { UserError } from "@mcp-fleet/errors";
import {
  asking,
  creationTrouble,
  type Kube,
  podTrouble,
  restrictedContainer,
  restrictedPod,
  type Trouble,
} from "@mcp-fleet/kube";

import { type ImageContents, imageContents, lookScript } from "./bundled-servers";

/** The image, and where its pod runs. */
export interface ImageCheckOptions {
  readonly image: string;
  readonly namespace: string;
  /** Secrets for the image's registry, in the namespace. */
  readonly pullSecrets?: readonly string[];
  /**
   * Time limit for scheduling, pulling and checking together, in seconds.
   * @default 180
   */
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

/** The image a workload runs. */
export interface RunningImage {
  readonly image: string;
  readonly pullSecrets: readonly string[];
}

const container = "look";
const pollMs = 500;

/**
 * The image of a Deployment's first container, with what is needed to pull it.
 * @throws {UserError} when there is no such Deployment
 */
export async function imageOf(kube: Kube, namespace: string, name: string): Promise<RunningImage> {
  const { spec } = await asking(kube, `read Deployment ${namespace}/${name}`, () =>
    kube.apps.readNamespacedDeployment({ namespace, name }),
  );
  const pod = spec?.template.spec;
  return {
    image: pod?.containers[0]?.image ?? "",
    pullSecrets: (pod?.imagePullSecrets ?? []).flatMap((secret) => secret.name ?? []),
  };
}

/**
 * Searches an image for MCP servers. A short Job runs the image's own shell like the application's pods:
 * unprivileged, without network access or token. The Job is deleted at the end, or by its TTL if this process
 * stops.
 *
 * @throws {UserError} when the image cannot be pulled or has no shell; an image that was not searched completely
 * never counts as clean
 */
export async function checkImage(kube: Kube, options: ImageCheckOptions): Promise<ImageContents> {
  const { namespace, image } = options;
  const name = `mcp-fleet-image-${randomUUID().slice(0, 8)}`;
  await asking(kube, `create Job ${namespace}/${name}`, () =>
    kube.batch.createNamespacedJob({ namespace, body: lookJob(name, options) }),
  );
  try {
    const pod = await ended(kube, name, options);
    const podName = pod.metadata?.name ?? "";
    const { terminated } = pod.status?.containerStatuses?.[0]?.state ?? {};
    if (terminated?.reason === "StartError" || terminated?.exitCode === 127) {
      throw new UserError(
        `The image ${image} has no shell or no find, so it cannot be searched from inside.`,
        "Check its build instead: no step of it may install an MCP server.",
      );
    }
    const printed = await asking(kube, `read the log of pod ${namespace}/${podName}`, () =>
      // An image may print without end. Truncated output lacks the last line and is not used.
      kube.core.readNamespacedPodLog({ namespace, name: podName, container, limitBytes }),
    );
    const contents = imageContents(printed);
    if (contents !== undefined) return contents;
    throw new UserError(
      `The search of ${image} ended with exit code ${terminated?.exitCode ?? "unknown"} (${terminated?.reason ?? pod.status?.reason ?? "no reason given"}) before it was complete.`,
      "Run it again, with a longer --timeout where the image is large.",
    );
  } finally {
    await quietly(() =>
      kube.batch.deleteNamespacedJob({ namespace, name, propagationPolicy: "Background" }),
    );
  }
}

/** How much of the output is read, in bytes. */
const limitBytes = 4 * 1024 * 1024;

/** Waits until the pod's process has ended, or until it is clear that it will not. */
async function ended(
  kube: Kube,
  name: string,
  { namespace, image, timeoutSeconds = 180, signal }: ImageCheckOptions,
): Promise<k8s.V1Pod> {
  const limit = Date.now() + timeoutSeconds * 1000;
  const labelSelector = `batch.kubernetes.io/job-name=${name}`;
  const fieldSelector = `involvedObject.kind=Job,involvedObject.name=${name}`;
  let troubledSince: number | undefined;
  let trouble: Trouble | undefined;
  while (Date.now() < limit) {
    signal?.throwIfAborted();
    const { items } = await asking(kube, `list pods in ${namespace}`, () =>
      kube.core.listNamespacedPod({ namespace, labelSelector }),
    );
    const [pod] = items;
    if (pod !== undefined && /^(Succeeded|Failed)$/.test(pod.status?.phase ?? "")) return pod;
    const events =
      pod === undefined
        ? await quietly(() => kube.core.listNamespacedEvent({ namespace, fieldSelector }))
        : undefined;
    trouble = pod === undefined ? creationTrouble(events?.items ?? []) : podTrouble(pod, container);
    troubledSince = trouble === undefined ? undefined : (troubledSince ?? Date.now());
    const lasted = Date.now() - (troubledSince ?? Date.now());
    if (trouble !== undefined && lasted >= trouble.patienceSeconds * 1000) break;
    await sleep(pollMs);
  }
  throw new UserError(
    `${image} could not be searched: the pod in ${namespace} ${trouble?.reason ?? `has not ended within ${timeoutSeconds} seconds`}.`,
    "Check the image's name, --pull-secret and --namespace, and what kubectl says of the namespace's events.",
    { exitCode: trouble === undefined ? 4 : 1 },
  );
}

function lookJob(name: string, options: ImageCheckOptions): k8s.V1Job {
  const { image, namespace, pullSecrets = [], timeoutSeconds = 180 } = options;
  return {
    metadata: { name, namespace },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: timeoutSeconds + 60,
      ttlSecondsAfterFinished: 60,
      template: {
        spec: {
          restartPolicy: "Never",
          ...restrictedPod(),
          terminationGracePeriodSeconds: 2,
          imagePullSecrets: pullSecrets.map((secret) => ({ name: secret })),
          containers: [
            {
              name: container,
              image,
              command: ["sh", "-c", lookScript()],
              resources: {
                requests: { cpu: "50m", memory: "32Mi" },
                limits: { memory: "128Mi" },
              },
              securityContext: restrictedContainer,
            },
          ],
        },
      },
    },
  };
}
