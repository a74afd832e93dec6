import type { ProbeResult, ProbeTarget } from "@mcp-fleet/mcp-probe";

/** The results in a probe's log, one for each line that is one. Other lines are a runtime's own warnings. */
export function resultsIn(log: string): ProbeResult[] {
  const results: ProbeResult[] = [];
  for (const line of log.split("\n")) {
    if (!line.startsWith("{")) continue;
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch {
      continue; // a line that the kubelet cut
    }
    if (isResult(parsed)) results.push(parsed);
  }
  return results;
}

/** Names of targets that have no result. A result counts once and for its own name only. */
export function unanswered(
  targets: readonly ProbeTarget[],
  results: readonly ProbeResult[],
): string[] {
  const answered = new Set(results.map(({ name }) => name));
  return targets.map(({ name }) => name).filter((name) => !answered.has(name));
}

function isResult(value: unknown): value is ProbeResult {
  if (typeof value !== "object" || value === null) return false;
  const { name, ok, outcome, message } = value as Record<string, unknown>;
  return (
    typeof name === "string" &&
    typeof ok === "boolean" &&
    typeof outcome === "string" &&
    typeof message === "string"
  );
}
