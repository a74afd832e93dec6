import type { Command } from "commander";

import { wholeNumber } from "../arguments";
import type { CliContext } from "../context";
import { found, roundText } from "../day-two/checks";
import { openFleet, type StackOptions, withStack } from "../day-two/stack";
import { newCommand } from "../help";

export function exporterCommand(context: CliContext): Command {
  return withStack(
    newCommand("exporter", {
      group: "Checks",
      example: "mcp-fleet exporter --fleet fleet.json --port 9108",
    }),
  )
    .description(
      "run verify and drift on an interval, and serve what they find for Prometheus at /metrics",
    )
    .option("--port <number>", "where /metrics and /healthz are served", wholeNumber, 9108)
    .option("--interval <seconds>", "from one round to the next", wholeNumber, 300)
    .action(
      async ({ port, interval, ...options }: StackOptions & { port: number; interval: number }) => {
        const { fleet, credentials } = await openFleet(context, options);
        const { serveMetrics } = await import("@mcp-fleet/operations");
        const { openLog } = await import("@mcp-fleet/telemetry");
        const log = await openLog("mcp-fleet-exporter", 2);
        await serveMetrics(fleet, credentials, {
          port,
          intervalSeconds: interval,
          signal: context.signal,
          onListening: (at) => log.info({ port: at }, "serving /metrics"),
          onRound: (round) => {
            const level = round.errors.length > 0 ? "error" : found(round) > 0 ? "warn" : "info";
            log[level]({ findings: found(round), errors: round.errors }, roundText(round));
          },
        });
      },
    );
}
