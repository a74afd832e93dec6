import type * as k8s from "@kubernetes/client-node";
import { timeLimit, UserError } from "@mcp-fleet/errors";
import {
  followRollout,
  generationLabel,
  type Kube,
  mayRun,
  pendingReason,
  stuckReason,
  troublesOf,
  type Workload,
  type WorkloadRef,
  workloadText,
} from "@mcp-fleet/kube";

import { type OnProgress, speaking } from "./progress";
import type { SettleInputs } from "./types";

/** How long a rollout may take while the fence holds, in seconds, where the stack does not say. */
export const settleSeconds = 600;

/** How often an identity that may list pods and not watch them looks at a rollout, in seconds. */
const orListSeconds = 1;

/** What a workload's rollout still waits for; both lists are empty when it is over. */
export interface RolloutState {
  /** Pods without the wanted generation that may still run, each with what it is doing. */
  readonly oldPods: readonly string[];
  /** Why the workload is not up to date, and what is wrong with its new pods. */
  readonly pending: readonly string[];
  /** Whether its controller has given up (`progressDeadlineSeconds`), so that waiting is useless. */
  readonly stuck: boolean;
}

/** What {@link followRollouts} waits for. */
interface Rollouts {
  readonly refs: readonly WorkloadRef[];
  readonly seconds: number;
  readonly stateOf: (workload: Workload, pods: readonly k8s.V1Pod[]) => RolloutState;
  readonly onProgress?: OnProgress | undefined;
}

/**
 * Follows rollouts until all are over, one is stuck, or the time is over.
 * @returns how far each one is
 * @throws {UserError} when a workload is not there, or the API refuses or stays away
 */
export async function followRollouts(
  kube: Kube,
  { refs, seconds, stateOf, onProgress }: Rollouts,
): Promise<RolloutState[]> {
  const states = new Map<WorkloadRef, RolloutState>();
  const say = speaking(onProgress);
  const tell = (): void => {
    const left = [...states.values()].flatMap(({ oldPods, pending }) => [
      ...oldPods.map((pod) => `old pod ${pod}`),
      ...pending,
    ]);
    if (left.length > 0) say(left.join("; "));
  };
  const time = timeLimit(seconds);
  const stuck = new AbortController();
  const options = { signal: AbortSignal.any([time, stuck.signal]), orListSeconds };
  const repeating = setInterval(tell, 1000);
  try {
    await Promise.all(
      refs.map((ref) =>
        followRollout(
          kube,
          ref,
          (workload, pods) => {
            if (workload === undefined) throw deleted(ref);
            const state = stateOf(workload, pods);
            states.set(ref, state);
            tell();
            if (state.stuck) stuck.abort();
            return isOver(state) ? true : undefined;
          },
          options,
        ),
      ),
    );
  } catch (error) {
    if (!options.signal.aborted) throw error;
  } finally {
    clearInterval(repeating);
    stuck.abort();
  }
  return [...states.values()];
}

const isOver = ({ oldPods, pending }: RolloutState): boolean =>
  oldPods.length === 0 && pending.length === 0;

/**
 * Returns when every Deployment has only pods of the wanted generation. Ending pods count too: an old process may write to
 * the database until it is gone.
 * @throws {UserError} when that is not so in time; when a Deployment is not there, or its pod template has another
 *   generation, so that waiting would be useless
 */
export async function waitForRollout(
  kube: Kube,
  {
    generation,
    workloads,
    deadlineSeconds = settleSeconds,
  }: Pick<SettleInputs, "generation" | "workloads" | "deadlineSeconds">,
  onProgress?: OnProgress,
): Promise<void> {
  const states = await followRollouts(kube, {
    refs: workloads.map(({ namespace, deployment }) => {
      return { kind: "Deployment", namespace, name: deployment };
    }),
    seconds: deadlineSeconds,
    stateOf: (workload, pods) => generationState(workload, pods, String(generation)),
    onProgress,
  });
  if (states.length === workloads.length && states.every(isOver)) return;
  const oldPods = states.flatMap((state) => state.oldPods);
  const pending = states.flatMap((state) => state.pending);
  const stuck = states.some((state) => state.stuck);
  const pods = oldPods.length === 0 ? "" : ` Pods of an earlier generation: ${oldPods.join(", ")}.`;
  const why = pending.length === 0 ? "" : ` ${pending.join("; ")}.`;
  throw new UserError(
    `The rollout to generation ${generation} ${stuck ? "is stuck" : `has not ended within ${deadlineSeconds} seconds`}, so the rows stay fenced.${pods}${why}`,
    "Repair the rollout, then run again. The rows need no change.",
  );
}

function generationState(
  workload: Workload,
  pods: readonly k8s.V1Pod[],
  wanted: string,
): RolloutState {
  const template = generationOf(workload.spec?.template.metadata);
  if (template !== wanted) {
    throw new UserError(
      `The pod template of ${workloadText(workload)} has ${template === undefined ? `no ${generationLabel}` : `generation ${template}`} where generation ${wanted} is wanted.`,
      "Apply the application's Deployment of this release first, then run again.",
    );
  }
  const old = pods.filter((pod) => mayRun(pod) && generationOf(pod.metadata) !== wanted);
  const fresh = pods.filter((pod) => !old.includes(pod));
  return {
    oldPods: old.map(describe),
    pending: pendingReasons(workload, fresh),
    stuck: stuckReason(workload) !== undefined,
  };
}

/** Why a workload's rollout is not over, and what is wrong with its pods; empty when it is over. */
export function pendingReasons(
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

function deleted({ kind, namespace, name }: WorkloadRef): UserError {
  return new UserError(
    `${kind} ${namespace}/${name} was deleted during the wait for its rollout.`,
    "Find out who removed it, then run again.",
  );
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
