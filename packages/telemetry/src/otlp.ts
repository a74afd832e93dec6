import { type Context, ROOT_CONTEXT, type Span, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type IdGenerator,
  RandomIdGenerator,
} from "@opentelemetry/sdk-trace-base";

import type { Attributes } from "./attributes";
import { currentWork } from "./correlation";

/** How long an unresponsive collector may delay the end of a run, in milliseconds. */
const sendMs = 3000;

/** Creates and sends spans. */
export interface Tracing {
  start(name: string, attributes: Attributes): { readonly span: Span; readonly context: Context };
  /** @throws Error when the collector did not accept them */
  flush(): Promise<void>;
}

/**
 * Spans over OTLP/HTTP, configured by OpenTelemetry's own variables. Nothing global is registered: the Pulumi
 * SDK in the same process has its own tracer.
 */
export function startTracing(env: NodeJS.ProcessEnv): Tracing {
  const timed = env.OTEL_EXPORTER_OTLP_TIMEOUT ?? env.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT;
  const exporter = new OTLPTraceExporter(timed === undefined ? { timeoutMillis: sendMs } : {});
  const provider = new BasicTracerProvider({
    idGenerator: new RunIds(),
    resource: defaultResource()
      .merge(resourceFromAttributes({ "service.name": "mcp-fleet" }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer("mcp-fleet");
  const outside = callerOf(env);
  return {
    start(name, attributes) {
      const around = currentWork().context ?? outside;
      const span = tracer.startSpan(name, { attributes }, around);
      return { span, context: trace.setSpan(around, span) };
    },
    flush: () => provider.forceFlush(),
  };
}

/** The parent trace from the environment, as a CI job sets it. */
function callerOf({
  TRACEPARENT: traceparent,
  TRACESTATE: tracestate,
}: NodeJS.ProcessEnv): Context {
  const carrier = { traceparent, tracestate };
  return new W3CTraceContextPropagator().extract(ROOT_CONTEXT, carrier, {
    keys: (from: typeof carrier) => Object.keys(from),
    get: (from: typeof carrier, key) => from[key as keyof typeof carrier],
  });
}

/** The trace id is the run's id without dashes. So all phases of a run are one trace, even in different processes. */
class RunIds implements IdGenerator {
  private readonly random = new RandomIdGenerator();

  generateTraceId(): string {
    const id = currentWork().run_id?.replaceAll("-", "") ?? "";
    return /^(?!0{32})[0-9a-f]{32}$/.test(id) ? id : this.random.generateTraceId();
  }

  generateSpanId(): string {
    return this.random.generateSpanId();
  }
}
