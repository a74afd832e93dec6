import type { DenyReport } from "@mcp-fleet/operations";

import { bullets, type Column, paragraphs, table } from "../terminal";

/** Each port and who reached it, and what that means. @param width see {@link CliContext.width} */
export function denyText({ strangers, open, untried }: DenyReport, width: number): string {
  const ports = new Map(
    strangers.flatMap(({ results }) => results.map(({ name, at }) => [at, name])),
  );
  const rows = [...ports].map(([at, name]) => {
    const by = strangers.filter(({ results }) =>
      results.some((one) => one.at === at && one.reachable),
    );
    const state = by.length === 0 ? "refused" : "OPEN";
    return [name, at, state, by.map(({ from }) => from).join("; ")];
  });
  const columns: Column[] = ["workload", "port", "state", { title: "reached by", folds: true }];
  const problems = strangers.flatMap(({ from, problem }) =>
    problem === undefined ? [] : [`Not tried from ${from}: ${problem}`],
  );
  const tried = strangers.filter(({ results }) => results.length > 0).map(({ from }) => from);
  return [
    ...(rows.length === 0 ? [] : [table(columns, rows, width)]),
    ...(problems.length === 0 ? [] : [bullets(problems, width)]),
    paragraphs([verdict(rows.length, { open, untried }, tried)], width),
  ].join("\n");
}

function verdict(
  ports: number,
  { open, untried }: Pick<DenyReport, "open" | "untried">,
  tried: readonly string[],
): string {
  if (tried.length === 0) {
    return untried > 0 ? "Nothing was tried." : "There is no ready pod of the fleet to try.";
  }
  const from = `Tried from ${tried.join(", ")}.`;
  if (open > 0)
    return `${from} ${open} of ${ports} ports are open: the cluster's network plugin enforces no NetworkPolicies, or one of them lets these pods in.`;
  return `${from} Every connection was refused.`;
}
