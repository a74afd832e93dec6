import { Writable } from "node:stream";

import type * as k8s from "@kubernetes/client-node";
import {
  apiMessage,
  type Kube,
  kubeError,
  mainContainer,
  podsOf,
  podTrouble,
  serverName,
  statusOf,
} from "@mcp-fleet/kube";

import { NotFoundError } from "./errors";
import { readServer } from "./find";

/** Which lines of a server's logs. */
export interface LogsOptions {
  /** @default the cluster's namespace */
  readonly namespace?: string;
  /** Goes on until the pods end or the signal is aborted. @default false */
  readonly follow?: boolean;
  /** Lines from the end of each pod's log. @default all */
  readonly tail?: number;
  /** The log of the container's last run, for one that restarts. @default false */
  readonly previous?: boolean;
  /** @default the pod's main container; while an init container is at work or crashes, that one */
  readonly container?: string;
  readonly signal?: AbortSignal;
}

/** Called with every line and the pod it is from. */
type OnLine = (pod: string, line: string) => void;

/** Notes beside the lines; each continues a sentence that begins with "pod x". */
export interface LogNotes {
  /** Of each pod that has no log, why: an image that cannot be pulled, a container that never ran. */
  onSilent?(pod: string, why: string): void;
  /** Of each pod whose lines are an init container's. */
  onInit?(pod: string, why: string): void;
}

/**
 * Reads the logs of all of a server's pods, at the same time.
 * @param name any of its names: see {@link readServer}
 * @throws {NotFoundError} for a server without pods, and where none of them has a log; {ApiError} {UnreachableError}
 */
export async function readLogs(
  kube: Kube,
  name: string,
  onLine: OnLine,
  options: LogsOptions = {},
  notes: LogNotes = {},
): Promise<void> {
  const namespace = options.namespace ?? kube.namespace;
  const workload = await readServer(kube, namespace, name);
  const pods = await podsOf(kube, workload);
  const shown = serverName(workload);
  if (pods.length === 0) {
    throw new NotFoundError(
      `Server ${namespace}/${shown} has no pods, so there are no logs.`,
      `Start it with: mcp-fleet start ${shown} -n ${namespace}`,
    );
  }
  const spoke = await Promise.all(
    pods.map(async (pod) => {
      const podName = pod.metadata?.name ?? "";
      const init = options.container === undefined ? waitedFor(pod) : undefined;
      if (init !== undefined) notes.onInit?.(podName, init.reason);
      const container = options.container ?? init?.container ?? mainContainer(pod)?.name ?? "";
      const why = await readPod(kube, namespace, pod, onLine, { ...options, container });
      if (why !== undefined) notes.onSilent?.(podName, why);
      return why === undefined;
    }),
  );
  if (spoke.includes(true)) return;
  throw new NotFoundError(
    `No pod of server ${namespace}/${shown} has ${options.previous === true ? "the log of an earlier run" : "a log yet"}.`,
    `See what keeps them with: mcp-fleet status ${shown} -n ${namespace}`,
  );
}

/** The init container that runs or fails, so that no other has a log, and the note about it. */
function waitedFor(pod: k8s.V1Pod): { container: string; reason: string } | undefined {
  const { kind, container, reason = "" } = podTrouble(pod) ?? {};
  const inits = pod.status?.initContainerStatuses ?? [];
  const isInit = inits.some(({ name }) => name === container);
  const sidecars = (pod.spec?.initContainers ?? []).filter((one) => one.restartPolicy === "Always");
  if (container === undefined || !isInit || sidecars.some(({ name }) => name === container))
    return undefined;
  return kind === "init" || kind === "crash" ? { container, reason } : undefined;
}

/** @returns why the pod has no log; undefined when it was read */
async function readPod(
  kube: Kube,
  namespace: string,
  pod: k8s.V1Pod,
  onLine: OnLine,
  options: LogsOptions & { readonly container: string },
): Promise<string | undefined> {
  const { Log } = await import("@kubernetes/client-node");
  const name = pod.metadata?.name ?? "";
  const { follow, tail, previous, signal, container } = options;
  const lines = lineSink((line) => onLine(name, line));
  const ended = new Promise<void>((resolve, reject) => {
    lines.on("close", resolve);
    lines.on("error", reject);
    // The client does not handle the errors of its own stream.
    lines.on("pipe", (body) => body.on("error", (error) => lines.destroy(error)));
  });
  try {
    const request = await new Log(kube.config).log(namespace, name, container, lines, {
      ...(follow === undefined ? {} : { follow }),
      ...(tail === undefined ? {} : { tailLines: tail }),
      ...(previous === undefined ? {} : { previous }),
    });
    signal?.addEventListener("abort", () => request.abort());
    await ended;
    return undefined;
  } catch (error) {
    if (signal?.aborted === true) return undefined;
    const status = statusOf(error);
    // The pod was deleted after the list, or the container has no earlier run.
    if (status === 404) return "is gone";
    // The API answers 204 for a pod that is not scheduled.
    if (status === 400 || status === 204) return whyNoLog(kube, pod, options);
    throw kubeError(kube, `read the log of pod ${namespace}/${name}`, error);
  }
}

/** The client's stream drops the API's reason for a log that it cannot give, so the log is asked for once more. */
async function whyNoLog(
  kube: Kube,
  pod: k8s.V1Pod,
  { previous, container }: LogsOptions & { readonly container: string },
): Promise<string> {
  const trouble = previous === true ? undefined : podTrouble(pod);
  if (trouble !== undefined && trouble.kind !== "unready" && trouble.kind !== "init")
    return trouble.reason;
  const { name = "", namespace = kube.namespace } = pod.metadata ?? {};
  try {
    await kube.core.readNamespacedPodLog({
      ...{ name, namespace, container, limitBytes: 1 },
      ...(previous === undefined ? {} : { previous }),
    });
    return "has one only now; ask again";
  } catch (error) {
    return apiMessage(error);
  }
}

/** The longest line that is shown as one, in characters; a pod may print without a line break. */
const longestLine = 64 * 1024;

/** A stream that cuts what it gets into lines; the last one may lack its line break. */
export function lineSink(onLine: (line: string) => void): Writable {
  let rest = "";
  const decoder = new TextDecoder();
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      while (rest.length > longestLine) {
        parts.push(rest.slice(0, longestLine));
        rest = rest.slice(longestLine);
      }
      for (const line of parts) onLine(line);
      done();
    },
    final(done) {
      if (rest !== "") onLine(rest);
      done();
    },
  });
}
