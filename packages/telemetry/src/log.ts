import { cleanJson } from "@mcp-fleet/errors";
import type pino from "pino";

import { correlation } from "./correlation";

export type Log = pino.Logger;
/** Standard output, standard error, or a file that lines are appended to. */
export type LogTarget = 1 | 2 | string;

/**
 * A log of JSON lines: `time` (ISO 8601), `level`, `service`, the `run_id`, `trace_id` and `span_id` of the
 * current work, `message`. Lines are written synchronously, so that none is lost when the process ends.
 *
 * @param service the process: `mcp-fleet-observer`
 * @throws Error when the file cannot be opened
 */
export async function openLog(service: string, target: LogTarget): Promise<Log> {
  // Not imported at the top: a process without a log does not load it.
  const { default: make } = await import("pino");
  return make(
    {
      base: { service },
      messageKey: "message",
      timestamp: make.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      mixin: () => correlation(),
      // JSON escapes control characters, so text from a server or the API is safe to show.
      hooks: { streamWrite: cleanJson },
    },
    make.destination({
      dest: target,
      sync: true,
      ...(typeof target === "string" ? { mkdir: true } : {}),
    }),
  );
}
