import { isUserError } from "@mcp-fleet/errors";
import { type Attributes, type Log, openLog, type Span, traced } from "@mcp-fleet/telemetry";

/**
 * Does one phase of a run: a span where OpenTelemetry has an endpoint, and a line in the log where there is one.
 *
 * @param attributes names, counts and ids; never what a row, a DSN or a header holds
 * @throws what `work` throws
 */
export async function phase<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return traced(name, attributes, async (span) => {
    const log = await runLog();
    if (log === undefined) return work(span);
    const started = performance.now();
    let known = { phase: name, ...attributes };
    const set = (more: Attributes): void => {
      known = { ...known, ...more };
      span.set(more);
    };
    const seconds = (): number => Math.round(performance.now() - started) / 1000;
    try {
      const result = await work({ set });
      log.info({ ...known, seconds: seconds() }, "phase done");
      return result;
    } catch (error) {
      const problem = isUserError(error) ? error.problem : "unexpected error";
      log.error({ ...known, seconds: seconds(), problem }, "phase failed");
      throw error;
    }
  });
}

let opened: Promise<Log> | undefined;

/** The file that MCP_FLEET_LOG names. There is none by default, because the engine shows its user whatever a provider prints. */
function runLog(): Promise<Log> | undefined {
  const { MCP_FLEET_LOG: file = "" } = process.env;
  if (file !== "") opened ??= openLog("mcp-fleet-cutover", file);
  return opened;
}
