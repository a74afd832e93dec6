import { setTimeout as sleep } from "node:timers/promises";

import type { V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import { cleanLine, UserError } from "@mcp-fleet/errors";
import { asking, type Kube } from "@mcp-fleet/kube";

/** The pod that this process runs in. */
export interface OwnPod {
  readonly name: string;
  readonly uid: string;
  /** ID of this process's container; a restarted container has another one. Undefined where it is not known. */
  readonly container?: string;
  /** The images that the pod runs, by their digests where the runtime says them. */
  readonly images: readonly string[];
}

/** What this process knows of its pod. */
export interface PodNames {
  /** `POD_NAME`, which the downward API sets. */
  readonly podName: string | undefined;
  readonly hostname: string;
  /** How long the kubelet may take to report that the container runs, in milliseconds. @default 10000 */
  readonly patienceMs?: number;
}

/** The container that runs updates, where a pod has several. */
const containerName = "mcp-fleet";

/**
 * Reads this process's own pod, once the kubelet has reported its container.
 *
 * @throws UserError where the pod's name is not known, or is not the host name that the engine writes into its lock
 */
export async function ownPod(
  kube: Kube,
  { podName, hostname, patienceMs = 10_000 }: PodNames,
): Promise<OwnPod> {
  refuseOtherName(podName, hostname);
  const { namespace } = kube;
  const until = Date.now() + patienceMs;
  for (;;) {
    const pod = await asking(kube, `get pod ${namespace}/${podName}`, () =>
      kube.core.readNamespacedPod({ namespace, name: podName }),
    );
    const { status, metadata } = pod;
    const uid = metadata?.uid ?? "";
    const container = runningContainer(pod);
    const several = (status?.containerStatuses ?? []).length > 1;
    if (container !== undefined || several || Date.now() >= until) {
      const images = status?.containerStatuses ?? [];
      return {
        ...{ name: podName, uid, images: images.map(imageOf).sort() },
        ...(container === undefined ? {} : { container }),
      };
    }
    await sleep(250);
  }
}

/** The engine's lock names a host, the Lease a pod: they have to be the same. */
function refuseOtherName(podName: string | undefined, hostname: string): asserts podName is string {
  if (podName === undefined || podName === "") {
    throw new UserError(
      "The environment variable POD_NAME is not set, so this pod cannot be told from another one.",
      "Set it in the container by the downward API: env: [{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
    );
  }
  if (podName === hostname) return;
  throw new UserError(
    `The pod's name is ${cleanLine(podName, 253)} and its host name ${cleanLine(hostname, 253)}, so a lock of this pod could not be recognized later.`,
    "Leave spec.hostname and spec.hostNetwork out of the pod, and give it a name of at most 63 characters.",
  );
}

/** The container by its name, else the only one. */
function runningContainer({ status }: V1Pod): string | undefined {
  const all = status?.containerStatuses ?? [];
  const own = all.length === 1 ? all[0] : all.find(({ name }) => name === containerName);
  return own?.state?.running === undefined || own.containerID === "" ? undefined : own.containerID;
}

const imageOf = ({ imageID, image }: V1ContainerStatus): string =>
  imageID === "" ? image : imageID;
