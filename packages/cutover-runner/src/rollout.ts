import { setTimeout as sleep } from "node:timers/promises";

import type * as k8s from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";
import {
  asking,
  eventsFor,
  generationLabel,
  isPodOf,
  type Kube,
  lastWords,
  mayRun,
  pendingReason,
  selectorText,
  stuckReason,
  troublesOf,
  wordsText,
  type Workload,
  workloadText,
} from "@mcp-fleet/kube";

import type { ServerRollout } from "./types";

const pollMs = 500;

/** What still stands between a Deployment and the wanted generation; both lists empty when nothing does. */
export interface RolloutState {
  /** Pods without the wanted generation that may still run, each with what it is doing. */
  readonly oldPods: readonly string[];
  /** Why the Deployment itself is not there yet, and what is wrong with its new pods. */
  readonly pending: readonly string[];
  /** Whether its controller has given up (`progressDeadlineSeconds`): waiting on is in vain. */
  readonly stuck: boolean;
}

/**
 * Looks once at a Deployment and at all pods that its ReplicaSets own, ending ones too: an old process may write
 * to the database until it is gone.
 * @throws {UserError} when the Deployment is not there, or its pod template has another generation, so that
 *   waiting would be in vain
 */
export async function rolloutState(
  kube: Kube,
  { namespace, deployment: name }: { namespace: string; deployment: string },
  generation: number,
): Promise<RolloutState> {
  const at = `Deployment ${namespace}/${name}`;
  const deployment = await asking(kube, `read ${at}`, () =>
    kube.apps.readNamespacedDeployment({ namespace, name }),
  );
  const template = generationOf(deployment.spec?.template.metadata);
  if (template !== String(generation)) {
    throw new UserError(
      `The pod template of ${at} has ${template === undefined ? `no ${generationLabel}` : `generation ${template}`} where generation ${generation} is wanted.`,
      "Apply the application's Deployment of this release first, then run again.",
    );
  }
  const labelSelector = selectorText(deployment.spec?.selector);
  const pods = await asking(kube, `list pods in ${namespace}`, () =>
    kube.core.listNamespacedPod({ namespace, labelSelector }),
  );
  const old = pods.items.filter(
    (pod) =>
      isPodOf(deployment, pod) && mayRun(pod) && generationOf(pod.metadata) !== String(generation),
  );
  const fresh = pods.items.filter((pod) => isPodOf(deployment, pod) && !old.includes(pod));
  return {
    oldPods: old.map(describe),
    pending: pendingReasons(deployment, fresh),
    stuck: stuckReason(deployment) !== undefined,
  };
}

/** Why a workload's rollout is not over, with what keeps its pods from it; empty when it is. */
function pendingReasons(
  workload: Workload,
  pods: readonly k8s.V1Pod[],
  events: readonly k8s.CoreV1Event[] = [],
): string[] {
  const pending = pendingReason(workload);
  if (pending === undefined) return [];
  const stuck = stuckReason(workload);
  const { failures, delays } = troublesOf(workload, pods, events);
  return [
    `${workloadText(workload)}: ${pending}${stuck === undefined ? "" : `, and ${stuck}`}`,
    ...failures.filter((one) => one !== stuck),
    ...delays,
  ];
}

/**
 * Looks once at the servers' workloads. The engine's own wait is not enough: of an update it may say at once that it is
 * complete, because it has looked at the Deployment before the change (seen with version 4.34 of its plugin).
 * @returns why rollouts are not over, texts for each workload where it is not, and the pods of those
 */
export async function unfinishedServers(
  kube: Kube,
  servers: readonly ServerRollout[],
): Promise<
  Pick<RolloutState, "pending" | "stuck"> & {
    readonly pods: readonly k8s.V1Pod[];
    readonly workloads: readonly Workload[];
  }
> {
  const states = await Promise.all(
    servers.map(async (server) => {
      const { namespace } = server;
      const workload = await readServer(kube, server);
      if (pendingReason(workload) === undefined)
        return { pending: [], stuck: false, pods: [], workload };
      const labelSelector = selectorText(workload.spec?.selector);
      const [{ items }, events] = await Promise.all([
        asking(kube, `list pods in ${namespace}`, () =>
          kube.core.listNamespacedPod({ namespace, labelSelector }),
        ),
        eventsFor(kube, namespace, [workload]),
      ]);
      return {
        pending: pendingReasons(workload, items, events),
        stuck: stuckReason(workload) !== undefined,
        pods: items.filter((pod) => isPodOf(workload, pod)),
        workload,
      };
    }),
  );
  return {
    pending: states.flatMap(({ pending }) => pending),
    stuck: states.some(({ stuck }) => stuck),
    pods: states.flatMap(({ pods }) => pods),
    workloads: states.map(({ workload }) => workload),
  };
}

/** As messages name it, and one server's of before is told by from its one of now: `StatefulSet mcp/memory`. */
export function workloadOf(server: ServerRollout): string {
  const [kind, name] =
    "statefulSet" in server
      ? ["StatefulSet", server.statefulSet]
      : ["Deployment", server.deployment];
  return `${kind} ${server.namespace}/${name}`;
}

async function readServer(kube: Kube, server: ServerRollout): Promise<Workload> {
  const { namespace } = server;
  return asking(kube, `read ${workloadOf(server)}`, () =>
    "statefulSet" in server
      ? kube.apps.readNamespacedStatefulSet({ namespace, name: server.statefulSet })
      : kube.apps.readNamespacedDeployment({ namespace, name: server.deployment }),
  );
}

/**
 * Returns when the rollout of every server is over.
 * @returns their workloads, as they are then
 * @throws {UserError} naming the workloads where it is not, and why, once one is stuck or the longest `rolloutSeconds`
 *   are over
 */
export async function waitForServers(
  kube: Kube,
  servers: readonly ServerRollout[],
): Promise<readonly Workload[]> {
  const seconds = Math.max(...servers.map(({ rolloutSeconds }) => rolloutSeconds));
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const { pending, stuck, pods, workloads } = await unfinishedServers(kube, servers);
    if (pending.length === 0) return workloads;
    if (stuck || Date.now() > end) {
      const words = (await lastWords(kube, pods)).map(wordsText);
      throw new UserError(
        `MCP servers ${stuck ? "cannot be rolled out" : `were not rolled out within ${seconds} seconds`}, so rows and application are untouched: ${[...pending, ...words].join("; ")}.`,
        "Look at their pods (mcp-fleet status <server>), mend the cause, then run again.",
      );
    }
    await sleep(pollMs);
  }
}

function generationOf(metadata: k8s.V1ObjectMeta | undefined): string | undefined {
  return metadata?.labels?.[generationLabel] ?? metadata?.annotations?.[generationLabel];
}

function describe({ metadata, spec, status }: k8s.V1Pod): string {
  const doing =
    metadata?.deletionTimestamp === undefined ? (status?.phase ?? "unknown") : "Terminating";
  const node = spec?.nodeName === undefined ? "" : ` on ${spec.nodeName}`;
  return `${metadata?.namespace}/${metadata?.name} (${doing}${node})`;
}
