import { AsyncLocalStorage } from "node:async_hooks";

import type { Context } from "@opentelemetry/api";

/** The ids that log lines and spans of one piece of work share, named as in OpenTelemetry's logs. */
export interface Correlation {
  /** A UUID: of a cutover's run as in its ledger, of one round of checks, or of one request. */
  readonly run_id?: string;
  readonly trace_id?: string;
  readonly span_id?: string;
}

interface Work extends Correlation {
  /** The surrounding span, in OpenTelemetry's context. */
  readonly context?: Context;
}

const storage = new AsyncLocalStorage<Work>();

/** The current work. */
export const currentWork = (): Work => storage.getStore() ?? {};

/** The ids of the current work. */
export function correlation(): Correlation {
  const { context: _context, ...ids } = currentWork();
  return ids;
}

/** Runs `work` with these ids added to the current ones. */
export const within = <T>(own: Work, work: () => T): T =>
  storage.run({ ...currentWork(), ...own }, work);

/**
 * Runs `work` as the run `id`: its log lines contain the id, and without an outer trace the trace is named after
 * it.
 */
export const withRun = <T>(id: string, work: () => T): T => within({ run_id: id }, work);
