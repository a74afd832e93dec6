import { cleanLine, isUserError, messageOf } from "@mcp-fleet/errors";
import type { Span as OtelSpan } from "@opentelemetry/api";

import type { Attributes } from "./attributes";
import { currentWork, within } from "./correlation";
import type { Tracing } from "./otlp";

/** A running span. */
export interface Span {
  set(attributes: Attributes): void;
}

const untraced: Span = { set: () => undefined };

/** Whether spans are sent: the environment names an OTLP endpoint and does not disable the SDK. */
export function tracingWanted(env: NodeJS.ProcessEnv = process.env): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = env;
  const endpoint = OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? OTEL_EXPORTER_OTLP_ENDPOINT ?? "";
  return endpoint !== "" && env.OTEL_SDK_DISABLED !== "true" && env.OTEL_TRACES_EXPORTER !== "none";
}

/**
 * Runs `work` as a span, a child of the current one. Without an endpoint, OpenTelemetry is not even loaded. The
 * outermost span is sent before its work returns; if the collector rejects it, a line on standard error says so
 * and nothing else changes.
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

/** Maximum length of an attribute's text. */
const longest = 4096;

/** Foreign text reaches a collector, and from there a page or a terminal. */
function cleaned(attributes: Attributes): Attributes {
  const entries = Object.entries(attributes).map(([key, value]) => [
    key,
    typeof value === "string" ? cleanLine(value, longest) : value,
  ]);
  return Object.fromEntries(entries) as Attributes;
}

/** A UserError's message contains no secrets; of any other error only the name is recorded. */
function failed(span: OtelSpan, error: unknown): void {
  const type = error instanceof Error ? error.name : typeof error;
  span.setAttribute("error.type", type);
  span.setStatus({
    code: 2,
    ...(isUserError(error) ? { message: cleanLine(error.problem, longest) } : {}),
  });
}

let opened: Promise<Tracing> | undefined;

/** Loaded once, with the first span. */
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
