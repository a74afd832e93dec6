import { setTimeout as sleep } from "node:timers/promises";

import type * as k8s from "@kubernetes/client-node";
import { isUserError } from "@mcp-fleet/errors";

import type { Kube } from "./connect";
import { ApiError, asking, kubeError, UnreachableError } from "./errors";

/** How long the API server lets one watch run before it ends it and we open the next, in seconds. */
const windowSeconds = 120;
/** How long the API server may be away during a wait before the wait ends, in seconds. */
const defaultAwaySeconds = 15;

/** Between two attempts to follow, in milliseconds. */
const pauseMs = 500;

/** How a set of objects is followed. */
export interface FollowOptions {
  readonly signal: AbortSignal;
  /** How long the API server may be away, in seconds. @default 15 */
  readonly awaySeconds?: number;
  /** Interval of listing for an identity that may not watch, in seconds. @default a refused watch is an error */
  readonly orListSeconds?: number | undefined;
}

/** The objects that are watched: a list request's path with its query. */
export interface Watched<T> {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** For messages, as `pods in llmctl`. */
  readonly what: string;
  list(): Promise<{ items: T[]; metadata?: k8s.V1ListMeta }>;
}

/**
 * Follows a set of objects until `done` answers something: lists once, then watches from the list's resource
 * version. A watch that ends is resumed where it ended. If its version is too old (410), a new list comes first. An
 * unreachable API server, or one that has too much to do (429, 5xx), is asked again.
 * @param done called with all objects after the list and after every change
 * @throws the signal's reason when it is aborted; {UserError} when the API refuses or stays away
 */
export async function follow<T extends k8s.KubernetesObject, R>(
  kube: Kube,
  watched: Watched<T>,
  done: (objects: readonly T[]) => R | undefined,
  { signal, awaySeconds = defaultAwaySeconds, orListSeconds }: FollowOptions,
): Promise<R> {
  const known = new Map<string, T>();
  let version: string | undefined;
  let awaySince: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      if (version === undefined) {
        const list = await endedBy(
          signal,
          asking(kube, `list ${watched.what}`, () => watched.list()),
        );
        known.clear();
        // Go writes an empty list as null.
        for (const item of (list.items as T[] | null) ?? [])
          known.set(item.metadata?.uid ?? "", item);
        version = list.metadata?.resourceVersion ?? "";
        awaySince = undefined;
      }
      const first = done([...known.values()]);
      if (first !== undefined) return first;
      const began = performance.now();
      const ended = await watchOnce(kube, watched, version, signal, (type, object) => {
        awaySince = undefined;
        version = object.metadata?.resourceVersion ?? version;
        if (type === "BOOKMARK") return undefined;
        if (type === "DELETED") known.delete(object.metadata?.uid ?? "");
        else known.set(object.metadata?.uid ?? "", object);
        return done([...known.values()]);
      });
      if (ended.result !== undefined) return ended.result;
      if (ended.expired) version = undefined;
      // An API server or proxy may end every watch at once. The pause keeps us from a busy loop.
      if (performance.now() - began < pauseMs) await pause(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (orListSeconds !== undefined && version !== undefined && isRefused(error)) {
        version = undefined;
        await sleep(orListSeconds * 1000, undefined, { signal }).catch(() => undefined);
        continue;
      }
      if (isUserError(error) && !isAway(error)) throw error;
      awaySince ??= Date.now();
      if (Date.now() - awaySince > awaySeconds * 1000) throw error;
      // After a restart the API server may not know the old version, so begin with a list.
      version = undefined;
      await pause(signal);
    }
  }
}

/** The pause before the next request. An abort ends it; the caller checks the signal. */
const pause = (signal: AbortSignal): Promise<void> =>
  sleep(pauseMs, undefined, { signal }).catch(() => undefined);

/** Whether the API server may answer the same request a moment later: it is not there, starts, or has too much to do. */
const isAway = (error: unknown): boolean =>
  error instanceof UnreachableError ||
  (error instanceof ApiError && (error.status === 429 || error.status >= 500));

/** What was asked for, unless the signal is aborted first: a request may hang longer than the wait may take. */
async function endedBy<T>(signal: AbortSignal, asked: Promise<T>): Promise<T> {
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", abort);
  });
  try {
    return await Promise.race([asked, aborted]);
  } finally {
    if (abort !== undefined) signal.removeEventListener("abort", abort);
  }
}

const isRefused = (error: unknown): boolean => error instanceof ApiError && error.status === 403;

interface Ended<R> {
  readonly result?: R;
  /** The version to go on from is no longer known to the API server. */
  readonly expired: boolean;
}

async function watchOnce<T extends k8s.KubernetesObject, R>(
  kube: Kube,
  watched: Watched<T>,
  resourceVersion: string,
  signal: AbortSignal,
  onEvent: (type: string, object: T) => R | undefined,
): Promise<Ended<R>> {
  const { Watch } = await import("@kubernetes/client-node");
  const query = {
    ...watched.query,
    resourceVersion,
    allowWatchBookmarks: true,
    timeoutSeconds: windowSeconds,
  };
  return new Promise((resolve, reject) => {
    let request: AbortController | undefined;
    const settle = (finish: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      finish();
      request?.abort();
    };
    const onAbort = (): void => settle(() => reject(signal.reason as Error));
    signal.addEventListener("abort", onAbort);
    const onObject = (type: string, object: T & { code?: number; message?: string }): void => {
      if (type === "ERROR") {
        if (object.code === 410) return settle(() => resolve({ expired: true }));
        const refused = Object.assign(new Error(object.message), {
          code: object.code,
          body: object,
        });
        return settle(() => reject(kubeError(kube, `watch ${watched.what}`, refused)));
      }
      try {
        const result = onEvent(type, object);
        if (result !== undefined) settle(() => resolve({ result, expired: false }));
      } catch (error) {
        settle(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    };
    const onEnd = (error: unknown): void => {
      const status = statusCode(error);
      if (error === null || error === undefined || isIdle(error)) {
        return settle(() => resolve({ expired: false }));
      }
      if (status === 410) return settle(() => resolve({ expired: true }));
      const shown = status === undefined ? error : Object.assign(error as Error, { code: status });
      settle(() => reject(kubeError(kube, `watch ${watched.what}`, shown)));
    };
    new Watch(kube.config).watch(watched.path, query, onObject, onEnd).then((controller) => {
      request = controller;
      if (signal.aborted) controller.abort();
    }, onEnd);
  });
}

/** The client ends a watch on which nothing came for 30 seconds; there may be nothing to come. */
function isIdle(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

function statusCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}
