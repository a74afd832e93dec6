import { Writable } from "node:stream";

import type * as k8s from "@kubernetes/client-node";
import { type Kube, kubeError } from "@mcp-fleet/kube";

import { NotFoundError } from "./errors";
import { readServer } from "./read";
import { podsOf } from "./troubles";

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
  /** @default the pod's first container */
  readonly container?: string;
  readonly signal?: AbortSignal;
}

/**
 * Reads the logs of all of a server's pods, at the same time.
 * @param onLine called with every line and the pod it is from
 * @throws {NotFoundError} also for a server without pods; {ApiError} {UnreachableError}
 */
export async function readLogs(
  kube: Kube,
  name: string,
  onLine: (pod: string, line: string) => void,
  options: LogsOptions = {},
): Promise<void> {
  const namespace = options.namespace ?? kube.namespace;
  const pods = await podsOf(kube, await readServer(kube, namespace, name));
  if (pods.length === 0) {
    throw new NotFoundError(
      `Server ${namespace}/${name} has no pods, so there are no logs.`,
      `Start it with: mcp-fleet start ${name} -n ${namespace}`,
    );
  }
  await Promise.all(pods.map((pod) => readPod(kube, namespace, pod, onLine, options)));
}

async function readPod(
  kube: Kube,
  namespace: string,
  pod: k8s.V1Pod,
  onLine: (pod: string, line: string) => void,
  { follow, tail, previous, container, signal }: LogsOptions,
): Promise<void> {
  const { Log } = await import("@kubernetes/client-node");
  const name = pod.metadata?.name ?? "";
  const lines = lineSink((line) => onLine(name, line));
  const ended = new Promise<void>((resolve, reject) => {
    lines.on("close", resolve);
    lines.on("error", reject);
    // The client leaves the errors of its own stream to nobody.
    lines.on("pipe", (body) => body.on("error", (error) => lines.destroy(error)));
  });
  try {
    const request = await new Log(kube.config).log(
      namespace,
      name,
      container ?? pod.spec?.containers[0]?.name ?? "",
      lines,
      {
        ...(follow === undefined ? {} : { follow }),
        ...(tail === undefined ? {} : { tailLines: tail }),
        ...(previous === undefined ? {} : { previous }),
      },
    );
    signal?.addEventListener("abort", () => request.abort());
    await ended;
  } catch (error) {
    if (signal?.aborted === true) return;
    throw kubeError(kube, `read the log of pod ${namespace}/${name}`, error);
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
