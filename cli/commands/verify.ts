import type { VerifyReport } from "@mcp-fleet/operations";
import { type Command, Option } from "commander";

import type { CliContext } from "../context";
import { denyText } from "../day-two/expect-denied";
import { type Opened, openFleet, type StackOptions, withStack } from "../day-two/stack";
import { exitCodes } from "../exit-codes";
import { newCommand } from "../help";
import { bullets, type Column, paragraphs, table } from "../terminal";

interface VerifyOptions extends StackOptions {
  readonly from?: "here" | "cluster";
  readonly deny?: true;
  readonly otherNamespace: string;
}

export function verifyCommand(context: CliContext): Command {
  return withStack(
    newCommand("verify", {
      group: "Checks",
      example: "mcp-fleet verify --stack prod",
    }),
  )
    .description("ask every endpoint that a row names, and compare its tools with the cutover's")
    .addOption(
      new Option("--from <place>", "where from (default: as the stack's probe.from)").choices([
        "cluster",
        "here",
      ]),
    )
    .addOption(
      new Option(
        "--deny",
        "try the fleet's ports from pods that no NetworkPolicy lets in, in place of the rest",
      ).conflicts("from"),
    )
    .option("--other-namespace <name>", "where else to try from, with --deny", "default")
    .action(async ({ from, deny, otherNamespace, ...options }: VerifyOptions) => {
      const { fleet, credentials } = await openFleet(context, options);
      if (deny === true) return denied(context, { fleet, credentials }, otherNamespace);
      const { verify } = await import("@mcp-fleet/operations");
      const probe = { ...fleet.probe, ...(from === undefined ? {} : { from }) };
      const progress = (line: string): void => context.note(`waiting: ${line}`);
      const report = await verify({ ...fleet, probe }, credentials, progress);
      await context.print(report, () => verifyText(report, context.width()));
      if (report.failed > 0) process.exitCode = exitCodes.findings;
    });
}

async function denied(
  context: CliContext,
  { fleet, credentials }: Opened,
  otherNamespace: string,
): Promise<void> {
  const { verifyDenied } = await import("@mcp-fleet/operations");
  const report = await verifyDenied(fleet, credentials, otherNamespace, (line) => {
    context.note(`waiting: ${line}`);
  });
  await context.print(report, () => denyText(report, context.width()));
  if (report.enforced !== "yes" || report.untried > 0) process.exitCode = exitCodes.findings;
}

/** Each server as each consumer sees it, and what is wrong. @param width see {@link CliContext.width} */
export function verifyText(report: VerifyReport, width: number): string {
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
  const since =
    report.recordedIn === 0
      ? "No cutover has recorded any tools yet."
      : `Tools compared with those of generation ${report.recordedIn}.`;
  const columns: Column[] = [
    ...["server", "seen from", "state", "protocol", "latency", "tools"],
    { title: "since the cutover", folds: true },
  ];
  return [
    table(columns, rows, width),
    ...(report.failed === 0 ? [] : [bullets(findingsOf(report), width)]),
    paragraphs(
      [
        `${since} ${report.failed === 0 ? "All servers are as they should be." : `${report.failed} failed.`}`,
      ],
      width,
    ),
  ].join("\n");
}

/** The failures, each with the consumers that saw it: one entry for a server and reason, then its contradictions. */
function findingsOf({ servers, contradictions }: VerifyReport): string[] {
  const names = [...new Set(servers.filter(({ ok }) => !ok).map(({ server }) => server))];
  return names.flatMap((name) => {
    const consumers = new Map<string, string[]>();
    for (const { server, consumer, problem } of servers) {
      if (server !== name || problem === "") continue;
      // Consumers mostly see the same failure, after different numbers of attempts.
      const reason = problem.replace(/ \(\d+ attempts in [\d.]+ seconds?\)\.$/, ".");
      consumers.set(reason, [...(consumers.get(reason) ?? []), consumer]);
    }
    const reasons = [...consumers].map(
      ([reason, from]) =>
        `[${from.join(", ")}] ${reason.startsWith(name) ? "" : `${name}: `}${reason}`,
    );
    const split = contradictions
      .filter(({ server }) => server === name)
      .map(
        ({ answers, refuses, explanation }) =>
          `${name} answers ${answers.join(", ")}, refuses ${refuses.join(", ")}. ${explanation}`,
      );
    const ways = servers.flatMap(({ server, inTheWay }) =>
      server === name ? (inTheWay ?? []) : [],
    );
    const cluster = [...new Set(ways)].map((way) => `${name}, in the cluster: ${way}`);
    return [...reasons, ...cluster, ...split];
  });
}
