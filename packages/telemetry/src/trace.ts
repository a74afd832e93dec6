import { cleanLine, isUserError, messageOf } from "@mcp-fleet/errors";
import type { Span as OtelSpan } from "@opentelemetry/api";

import type { Attributes } from "./attributes";
import { currentWork, within } from "./correlation";
import type { Tracing } from "./otlp";

/** The piece of work that is being traced. */
export interface Span {
  set(attributes: Attributes): void;
}

const untraced: Span = { set: () => undefined };

/** Whether spans go anywhere: the environment names an OTLP endpoint, and does not switch the SDK off. */
export function tracingWanted(env: NodeJS.ProcessEnv = process.env): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = env;
  const endpoint = OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? OTEL_EXPORTER_OTLP_ENDPOINT ?? "";
  return endpoint !== "" && env.OTEL_SDK_DISABLED !== "true" && env.OTEL_TRACES_EXPORTER !== "none";
}

/**
 * Does `work` as a span, a child of the one around it. Without an endpoint it is just done, and nothing of
 * OpenTelemetry is loaded. The outermost span is sent before its work counts as done; a collector that does not take
 * it is said on standard error and changes nothing else.
 *
 * @throws what `work` throws
 */
export async function traced<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  if (!tracingWanted()) return work(untraced);
  const tracing = await openTracing();
  const outermost = currentWork().context === undefined;
  const { span, context } = tracing.start(cleanLine(name, longest), withRunId(attributes));
  const { traceId: trace_id, spanId: span_id } = span.spanContext();
  try {
    return await within({ context, trace_id, span_id }, () =>
      work({ set: (more) => void span.setAttributes(cleaned(more)) }),
    );
  } catch (error) {
    failed(span, error);
    throw error;
  } finally {
    span.end();
    if (outermost) await flush(tracing);
  }
}

function withRunId(attributes: Attributes): Attributes {
  const { run_id } = currentWork();
  return cleaned(run_id === undefined ? attributes : { "mcp_fleet.run_id": run_id, ...attributes });
}

/** Longest text of an attribute. */
const longest = 4096;

/** What others sent goes to a collector and from there to a page or a terminal. */
function cleaned(attributes: Attributes): Attributes {
  const entries = Object.entries(attributes).map(([key, value]) => [
    key,
    typeof value === "string" ? cleanLine(value, longest) : value,
  ]);
  return Object.fromEntries(entries) as Attributes;
}

/** What a user's error says is free of secrets; any other is known by its name only. */
function failed(span: OtelSpan, error: unknown): void {
  const type = error instanceof Error ? error.name : typeof error;
  span.setAttribute("error.type", type);
  span.setStatus({
    code: 2,
    ...(isUserError(error) ? { message: cleanLine(error.problem, longest) } : {}),
  });
}

let opened: Promise<Tracing> | undefined;

/** Loaded once, when the first span is started. */
function openTracing(): Promise<Tracing> {
  opened ??= import("./otlp.js").then(({ startTracing }) => startTracing(process.env));
  return opened;
}

async function flush(tracing: Tracing): Promise<void> {
  try {
    await tracing.flush();
  } catch (error) {
    process.stderr.write(`The traces were not sent: ${messageOf(error)}\n`);
  }
}
