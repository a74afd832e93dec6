import type { Kube } from "./connect";
import { eventsFor } from "./creation-events";
import { lastWords, wordsText } from "./last-words";
import { allTroubles, troublesOf } from "./rollout";
import type { Workload } from "./servers/workload";
import { podsOf } from "./workloads";

/**
 * Reads from the cluster why a workload's pods are not all ready, with the last log lines of those that fail. Without the
 * right to list pods it knows less.
 */
export async function troublesNow(kube: Kube, workload: Workload): Promise<string[]> {
  const namespace = workload.metadata?.namespace ?? kube.namespace;
  const [pods, events] = await Promise.all([
    podsOf(kube, workload).catch(() => []),
    eventsFor(kube, namespace, [workload]).catch(() => []),
  ]);
  const words = await lastWords(kube, pods);
  return [...allTroubles(troublesOf(workload, pods, events)), ...words.map(wordsText)];
}
