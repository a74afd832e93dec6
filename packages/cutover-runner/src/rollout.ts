import { setTimeout as sleep } from "node:timers/promises";

import type * as k8s from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";
import { asking, type Kube } from "@mcp-fleet/kube";

import { podTrouble } from "./pod-trouble";
import type { ServerRollout } from "./types";

/** On the application's pod templates, as a label or an annotation: the generation their rows belong to. */
export const generationKey = "mcp-fleet.dev/generation";

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
      `The pod template of ${at} has ${template === undefined ? `no ${generationKey}` : `generation ${template}`} where generation ${generation} is wanted.`,
      "Apply the application's Deployment of this release first, then run again.",
    );
  }
  const labelSelector = selectorText(deployment.spec?.selector);
  const pods = await asking(kube, `list pods in ${namespace}`, () =>
    kube.core.listNamespacedPod({ namespace, labelSelector }),
  );
  const old = pods.items.filter(
    (pod) => isOf(name, pod) && mayRun(pod) && generationOf(pod.metadata) !== String(generation),
  );
  const fresh = pods.items.filter((pod) => isOf(name, pod) && !old.includes(pod));
  return {
    oldPods: old.map(describe),
    pending: withTrouble(pendingReasons(at, deployment), fresh),
    stuck: isStuck(deployment),
  };
}

/** What is still to come, with what keeps the new pods from it. */
function withTrouble(pending: readonly string[], pods: readonly k8s.V1Pod[]): string[] {
  if (pending.length === 0) return [];
  const troubles = pods.flatMap((pod) => {
    const trouble = podTrouble(pod, pod.spec?.containers[0]?.name);
    return trouble === undefined ? [] : [`pod ${pod.metadata?.name} ${trouble.reason}`];
  });
  return [...pending, ...troubles];
}

function isStuck({ metadata, status }: k8s.V1Deployment): boolean {
  const seen = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  const progress = status?.conditions?.find(({ type }) => type === "Progressing");
  return seen && progress?.status === "False";
}

/**
 * Looks once at the servers' Deployments. The engine's own wait is not enough: of an update it may say at once that it is
 * complete, because it has looked at the Deployment before the change (seen with version 4.34 of its plugin).
 * @returns why rollouts are not over, texts for each Deployment where it is not
 */
export async function unfinishedServers(
  kube: Kube,
  servers: readonly ServerRollout[],
): Promise<Pick<RolloutState, "pending" | "stuck">> {
  const states = await Promise.all(
    servers.map(async ({ namespace, deployment: name }) => {
      const at = `Deployment ${namespace}/${name}`;
      const deployment = await asking(kube, `read ${at}`, () =>
        kube.apps.readNamespacedDeployment({ namespace, name }),
      );
      const pending = pendingReasons(at, deployment);
      if (pending.length === 0) return { pending, stuck: false };
      const labelSelector = selectorText(deployment.spec?.selector);
      const { items } = await asking(kube, `list pods in ${namespace}`, () =>
        kube.core.listNamespacedPod({ namespace, labelSelector }),
      );
      return { pending: withTrouble(pending, items), stuck: isStuck(deployment) };
    }),
  );
  return {
    pending: states.flatMap(({ pending }) => pending),
    stuck: states.some(({ stuck }) => stuck),
  };
}

/**
 * Returns when the rollout of every server is over.
 * @throws {UserError} naming the Deployments where it is not, and why, once one is stuck or the longest `rolloutSeconds`
 *   are over
 */
export async function waitForServers(kube: Kube, servers: readonly ServerRollout[]): Promise<void> {
  const seconds = Math.max(...servers.map(({ rolloutSeconds }) => rolloutSeconds));
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const { pending, stuck } = await unfinishedServers(kube, servers);
    if (pending.length === 0) return;
    if (stuck || Date.now() > end) {
      throw new UserError(
        `MCP servers ${stuck ? "cannot be rolled out" : `were not rolled out within ${seconds} seconds`}, so rows and application are untouched: ${pending.join("; ")}.`,
        "Look at their pods (mcp-fleet status <server>), mend the cause, then run again.",
      );
    }
    await sleep(pollMs);
  }
}

function pendingReasons(at: string, { metadata, spec, status }: k8s.V1Deployment): string[] {
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) {
    return [`${at} is not yet seen by its controller`];
  }
  const wanted = spec?.replicas ?? 1;
  const updated = status?.updatedReplicas ?? 0;
  const available = status?.availableReplicas ?? 0;
  // While a rollout goes on, the pods before it are available too.
  const old = (status?.replicas ?? 0) - updated;
  if (updated >= wanted && available >= wanted && old <= 0) return [];
  const progress = status?.conditions?.find(({ type }) => type === "Progressing");
  const stuck =
    progress?.status === "False" ? `, and is stuck (${progress.reason ?? "no reason given"})` : "";
  return [`${at} has ${updated} of ${wanted} pods updated and ${available} available${stuck}`];
}

/** Owned by one of the Deployment's ReplicaSets, also by one that is already deleted. */
function isOf(deployment: string, { metadata }: k8s.V1Pod): boolean {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  const hash = metadata?.labels?.["pod-template-hash"];
  return (
    owner?.kind === "ReplicaSet" && hash !== undefined && owner.name === `${deployment}-${hash}`
  );
}

/** Ended pods stay listed for a while (evicted ones for long) and write nothing any more. */
function mayRun({ status }: k8s.V1Pod): boolean {
  return status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

function generationOf(metadata: k8s.V1ObjectMeta | undefined): string | undefined {
  return metadata?.labels?.[generationKey] ?? metadata?.annotations?.[generationKey];
}

function describe({ metadata, spec, status }: k8s.V1Pod): string {
  const doing =
    metadata?.deletionTimestamp === undefined ? (status?.phase ?? "unknown") : "Terminating";
  const node = spec?.nodeName === undefined ? "" : ` on ${spec.nodeName}`;
  return `${metadata?.namespace}/${metadata?.name} (${doing}${node})`;
}

/** A label selector as the API takes it in a query. */
export function selectorText(selector: k8s.V1LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(
    ([key, value]) => `${key}=${value}`,
  );
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === "Exists") return key;
    if (operator === "DoesNotExist") return `!${key}`;
    return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
  });
  return [...equal, ...expressions].join(",");
}
