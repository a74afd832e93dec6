import type * as k8s from "@kubernetes/client-node";
import { cleanLine } from "@mcp-fleet/errors";

import type { Kube } from "./connect";
import { podTrouble } from "./pod-trouble";

/** The last log lines of a container that keeps its pod from being ready. */
export interface LastWords {
  readonly pod: string;
  readonly container: string;
  /** At most {@link lineCount}, cleaned, each cut at {@link lineLength} characters. */
  readonly lines: readonly string[];
}

const lineCount = 5;
const lineLength = 200;
/** What is read of a log at most, in bytes. */
const limitBytes = 16 * 1024;
/** Of how many pods logs are read. Most pods of a workload print the same. */
const podCount = 2;

/**
 * The last log lines of the containers in these pods that fail or are waited for, init containers included. A log that
 * cannot be read is left out.
 */
export async function lastWords(kube: Kube, pods: readonly k8s.V1Pod[]): Promise<LastWords[]> {
  const troubled = pods.flatMap((pod) => {
    const { kind, container } = podTrouble(pod) ?? {};
    const speaks = kind === "crash" || kind === "init" || kind === "unready";
    return speaks && container !== undefined ? [{ pod, container, crash: kind === "crash" }] : [];
  });
  const read = await Promise.all(
    troubled.slice(0, podCount).map(async ({ pod, container, crash }) => {
      const { name = "", namespace = kube.namespace } = pod.metadata ?? {};
      const lines = await linesOf(kube, {
        ...{ name, namespace, container, limitBytes, tailLines: lineCount },
        // Between two crashes the current log may be empty. While the container waits, the log is that of its last run.
        previous: crash && runs(pod, container),
      });
      return { pod: name, container, lines };
    }),
  );
  return read.filter(({ lines }) => lines.length > 0);
}

/** For an error, as a part of a sentence: the container and its last lines. */
export function wordsText({ pod, container, lines }: LastWords): string {
  return `container ${container} of pod ${pod} last printed: ${lines
    .slice(-3)
    .map((line) => JSON.stringify(line))
    .join(", ")}`;
}

async function linesOf(
  kube: Kube,
  asked: Parameters<Kube["core"]["readNamespacedPodLog"]>[0],
): Promise<string[]> {
  try {
    const log = await kube.core.readNamespacedPodLog(asked);
    return (log ?? "")
      .split("\n")
      .map((line) => cleanLine(masked(cleanLine(line)).trim(), lineLength))
      .filter((line) => line !== "")
      .slice(-lineCount);
  } catch {
    return [];
  }
}

function runs({ status }: k8s.V1Pod, container: string): boolean {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return all.find(({ name }) => name === container)?.state?.running !== undefined;
}

/** A server may print its credentials. What looks like one does not go into a status or an error; `logs` shows it. */
function masked(line: string): string {
  return line
    .replace(/:\/\/[^\s/@]+@/g, "://***@")
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, "$1 ***")
    .replace(
      /((?:token|secret|password|passwd|api[-_]?key|credential)s?["']?\s*[:=]\s*["']?)[^\s"',;]+/gi,
      "$1***",
    );
}
