import { AsyncLocalStorage } from "node:async_hooks";

import type { Context } from "@opentelemetry/api";

/** The ids that every log line and span of one piece of work shares; named as OpenTelemetry's logs name them. */
export interface Correlation {
  /** A UUID: of a cutover's run as its ledger has it, of one round of checks, or of one request. */
  readonly run_id?: string;
  readonly trace_id?: string;
  readonly span_id?: string;
}

interface Work extends Correlation {
  /** The span around the work, as OpenTelemetry hands it on. */
  readonly context?: Context;
}

const storage = new AsyncLocalStorage<Work>();

/** The work that is being done here. */
export const currentWork = (): Work => storage.getStore() ?? {};

/** Its ids. */
export function correlation(): Correlation {
  const { context: _context, ...ids } = currentWork();
  return ids;
}

/** Does `work` with these ids on top of what is there. */
export const within = <T>(own: Work, work: () => T): T =>
  storage.run({ ...currentWork(), ...own }, work);

/** Does `work` as the run `id`: its log lines carry it, and without a trace around it the trace is named after it. */
export const withRun = <T>(id: string, work: () => T): T => within({ run_id: id }, work);
