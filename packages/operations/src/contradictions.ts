import type { ProbeOutcome } from "@mcp-fleet/mcp-probe";

import type { VerifiedServer } from "./verified-server";

/** A server that works for one consumer and not for another. */
export interface Contradiction {
  readonly server: string;
  /** Consumers that it answers correctly. */
  readonly answers: readonly string[];
  /** Consumers that it does not answer correctly. */
  readonly refuses: readonly string[];
  /** The likely cause, as far as the answers show it: one sentence. */
  readonly explanation: string;
}

/** Every server whose consumers get different results, in the report's order. */
export function contradictionsIn(servers: readonly VerifiedServer[]): Contradiction[] {
  const names = [...new Set(servers.map(({ server }) => server))];
  return names.flatMap((server) => {
    const all = servers.filter((one) => one.server === server);
    const [good, bad] = [all.filter(({ ok }) => ok), all.filter(({ ok }) => !ok)];
    if (good.length === 0 || bad.length === 0) return [];
    const refuses = bad.map(({ consumer }) => consumer);
    const outcomes = new Set(bad.map(({ outcome }) => outcome));
    const explanation = explanationOf(outcomes, refuses.join(", "));
    return [{ server, answers: good.map(({ consumer }) => consumer), refuses, explanation }];
  });
}

function explanationOf(outcomes: ReadonlySet<ProbeOutcome>, refused: string): string {
  const only = (...some: ProbeOutcome[]): boolean =>
    [...outcomes].every((outcome) => some.includes(outcome));
  if (only("unreachable", "timeout")) {
    return `It runs, so check the network path from ${refused}: the labels in [consumers] must be those of its pods, which the NetworkPolicies allow; a policy on those pods' own egress may stop them too.`;
  }
  if (only("no-shared-protocol")) {
    return `It speaks other MCP versions than ${refused}: look at protocols in [consumers], and at the release of each.`;
  }
  if (only("auth-required", "http-error")) {
    return `It runs and distinguishes callers: check what is in front of it (a mesh's authorization, a proxy) and which account ${refused} has.`;
  }
  if (only("ok", "missing-tools", "not-mcp", "redirect")) {
    return "Its pods answer differently: check whether a rollout is in progress, or two releases are behind its Service.";
  }
  return "Check both reasons; they are of different kinds.";
}
