import type { CheckRound } from "@mcp-fleet/operations";

/** How many things a round found. */
export function found({ verify, drift }: CheckRound): number {
  return (verify?.failed ?? 0) + (drift?.findings.length ?? 0);
}

/** Each of them on a line of its own. */
export function roundText(round: CheckRound): string {
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
