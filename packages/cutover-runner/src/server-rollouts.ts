import type * as k8s from "@kubernetes/client-node";
import { UserError } from "@mcp-fleet/errors";
import {
  eventsFor,
  getWorkload,
  type Kube,
  lastWords,
  pendingReason,
  podsOf,
  stuckReason,
  wordsText,
  type Workload,
  type WorkloadRef,
} from "@mcp-fleet/kube";

import { followRollouts, pendingReasons, type RolloutState } from "./rollout";
import type { ServerRollout } from "./types";

/** A server's workload as it was seen. */
interface Seen extends Pick<RolloutState, "pending" | "stuck"> {
  readonly ref: WorkloadRef;
  readonly workload: Workload;
  /** Its pods; none where its rollout is over. */
  readonly pods: readonly k8s.V1Pod[];
}

/**
 * Reads the servers' workloads once. The engine's own wait is not enough: it may call an update complete at once, because
 * it read the Deployment before the change (seen with version 4.34 of its plugin).
 */
export async function lookAtServers(
  kube: Kube,
  servers: readonly ServerRollout[],
): Promise<readonly Seen[]> {
  return Promise.all(
    servers.map(async (server) => {
      const ref = refOfServer(server);
      const workload = await getWorkload(kube, ref);
      if (pendingReason(workload) === undefined)
        return { ref, workload, pending: [], stuck: false, pods: [] };
      const [pods, events] = await Promise.all([
        podsOf(kube, workload),
        eventsFor(kube, ref.namespace, [workload]),
      ]);
      return {
        ...{ ref, workload, pods, pending: pendingReasons(workload, pods, events) },
        stuck: stuckReason(workload) !== undefined,
      };
    }),
  );
}

/** For messages, and to compare a server's earlier workload with its present one: `StatefulSet mcp/memory`. */
export function workloadOf(server: ServerRollout): string {
  const { kind, namespace, name } = refOfServer(server);
  return `${kind} ${namespace}/${name}`;
}

function refOfServer(server: ServerRollout): WorkloadRef {
  const { namespace } = server;
  return "statefulSet" in server
    ? { kind: "StatefulSet", namespace, name: server.statefulSet }
    : { kind: "Deployment", namespace, name: server.deployment };
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
  const seconds = Math.max(0, ...servers.map(({ rolloutSeconds }) => rolloutSeconds));
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await lookAtServers(kube, servers);
    const unfinished = seen.filter(({ pending }) => pending.length > 0);
    if (unfinished.length === 0) return seen.map(({ workload }) => workload);
    const stuck = unfinished.some((one) => one.stuck);
    if (stuck || Date.now() >= end) {
      const words = await lastWords(
        kube,
        unfinished.flatMap(({ pods }) => pods),
      );
      const why = [...unfinished.flatMap(({ pending }) => pending), ...words.map(wordsText)];
      throw new UserError(
        `MCP servers ${stuck ? "cannot be rolled out" : `were not rolled out within ${seconds} seconds`}, so rows and application are untouched: ${why.join("; ")}.`,
        "Look at their pods (mcp-fleet status <server>), fix the cause, then run again.",
      );
    }
    await followRollouts(kube, {
      refs: unfinished.map(({ ref }) => ref),
      seconds: (end - Date.now()) / 1000,
      stateOf: (workload, pods) => ({
        ...{ oldPods: [], pending: pendingReasons(workload, pods) },
        stuck: stuckReason(workload) !== undefined,
      }),
    });
  }
}
