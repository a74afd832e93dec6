import type { VerifyReport } from "@mcp-fleet/operations";
import { table } from "@mcp-fleet/terminal";
import { Command, Option } from "commander";

import type { CliContext } from "../context";
import { openFleet, type StackOptions, withStack } from "../day-two/stack";
import { exitCodes } from "../exit-codes";

interface VerifyOptions extends StackOptions {
  readonly from?: "here" | "cluster";
}

export function verifyCommand(context: CliContext): Command {
  return withStack(new Command("verify"))
    .description("asks every endpoint that a row names, and compares its tools with the cutover's")
    .addOption(
      new Option("--from <place>", "where from (default: as the stack's probe.from)").choices([
        "cluster",
        "here",
      ]),
    )
    .action(async ({ from, ...options }: VerifyOptions) => {
      const { fleet, credentials } = await openFleet(context, options);
      const { verify } = await import("@mcp-fleet/operations");
      const probe = { ...fleet.probe, ...(from === undefined ? {} : { from }) };
      const report = await verify({ ...fleet, probe }, credentials);
      await context.print(report, () => verifyText(report));
      if (report.failed > 0) process.exitCode = exitCodes.findings;
    });
}

function verifyText(report: VerifyReport): string {
  const rows = report.servers.map((one) => [
    one.server,
    one.consumer,
    one.ok ? "ok" : "FAILED",
    one.protocolVersion,
    `${one.latencyMs} ms`,
    String(one.tools),
    [
      ...(one.missing.length === 0 ? [] : [`missing ${one.missing.join(", ")}`]),
      ...one.renamed.map(({ from, to }) => `renamed ${from} to ${to}`),
      ...(one.added.length === 0 ? [] : [`new ${one.added.join(", ")}`]),
      ...(one.compared ? [] : ["not compared"]),
    ].join("; "),
  ]);
  const problems = [
    ...new Set(report.servers.flatMap((one) => (one.problem === "" ? [] : [one.problem]))),
  ];
  const since =
    report.recordedIn === 0
      ? "No cutover has recorded any tools yet."
      : `Tools compared with those of generation ${report.recordedIn}.`;
  return [
    table(
      ["server", "seen from", "state", "protocol", "latency", "tools", "since the cutover"],
      rows,
    ),
    ...problems.map((problem) => `- ${problem}`),
    `${since} ${report.failed === 0 ? "All servers are as they should be." : `${report.failed} failed.`}`,
  ].join("\n");
}
