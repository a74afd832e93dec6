/** Limits of the requests of one attempt. */
export interface RequestLimits {
  /** Time limit of one request, in seconds. */
  readonly requestTimeoutSeconds: number;
  /** Ends every request, whatever its own limit. */
  readonly deadline: AbortSignal;
  /** The same in seconds from the probe's start. */
  readonly deadlineSeconds: number;
}

/**
 * The signal of one request. It uses a timer of its own, because `AbortSignal.any` leaves its parts to the
 * garbage collector.
 */
export function limited({ requestTimeoutSeconds, deadline }: RequestLimits): {
  readonly signal: AbortSignal;
  readonly end: () => void;
} {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = setTimeout(abort, requestTimeoutSeconds * 1000);
  if (deadline.aborted) abort();
  deadline.addEventListener("abort", abort);
  const end = (): void => {
    clearTimeout(timer);
    deadline.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, end };
}
