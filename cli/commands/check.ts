import { cleanJson, messageOf, UserError } from "@mcp-fleet/errors";
import type { CheckRound } from "@mcp-fleet/operations";
import { Command } from "commander";

import { wholeNumber } from "../arguments";
import type { CliContext } from "../context";
import { openFleet, type StackOptions, withStack } from "../day-two/stack";
import { exitCodes } from "../exit-codes";

export function checkCommand(context: CliContext): Command {
  return withStack(new Command("check"))
    .description(
      "run verify and drift once, for a CronJob; exit code 10 when either finds something",
    )
    .option("--push <url>", "a Prometheus Pushgateway that gets the metrics")
    .action(async ({ push, ...options }: StackOptions & { push?: string }) => {
      const { fleet, credentials } = await openFleet(context, options);
      const { CheckMetrics, pushMetrics, runChecks } = await import("@mcp-fleet/operations");
      const metrics = new CheckMetrics(fleet.spec.name);
      const round = await runChecks(fleet, credentials, metrics);
      if (push !== undefined) {
        try {
          await pushMetrics(metrics, push, fleet.spec.name);
        } catch (error) {
          throw new UserError(
            `The Pushgateway ${new URL(push).origin} did not take the metrics: ${messageOf(error)}.`,
            "Check the address given with --push, and the way there from this pod.",
            { exitCode: exitCodes.unreachable },
          );
        }
      }
      await context.print(round, () => roundText(round));
      if (round.errors.length > 0) process.exitCode = exitCodes.failed;
      else if (found(round) > 0) process.exitCode = exitCodes.findings;
    });
}

export function exporterCommand(context: CliContext): Command {
  return withStack(new Command("exporter"))
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

export function describeCommand(context: CliContext): Command {
  return withStack(new Command("describe"), { file: false })
    .description(
      "print the cutover as --fleet takes it, for a machine or pod without the stack; it may hold headers",
    )
    .option(
      "--in-cluster",
      "as a pod needs it: its own account, database and probe from where it stands",
    )
    .action(async (options: StackOptions & { inCluster?: true }) => {
      const { fleet } = await openFleet(context, options);
      const shown =
        options.inCluster === true
          ? {
              ...fleet,
              kubernetes: {},
              database: { ...fleet.database, connect: "direct" },
              probe: { ...fleet.probe, from: "here" },
            }
          : fleet;
      context.streams.stdout.write(cleanJson(`${JSON.stringify(shown, undefined, 2)}\n`));
    });
}

function found({ verify, drift }: CheckRound): number {
  return (verify?.failed ?? 0) + (drift?.findings.length ?? 0);
}

function roundText(round: CheckRound): string {
  const { verify, drift, errors } = round;
  const problems = (verify?.servers ?? []).flatMap(({ server, consumer, problem }) =>
    problem === "" ? [] : [`verify ${server} from ${consumer}: ${problem}`],
  );
  const findings = (drift?.findings ?? []).map(
    ({ kind, subject, detail }) => `drift ${kind} ${subject}: ${detail}`,
  );
  const all = [...problems, ...findings, ...errors];
  return all.length === 0 ? "Servers verified, no drift." : all.join("\n");
}
