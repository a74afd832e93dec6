import { randomUUID } from "node:crypto";

import { connectKube } from "@mcp-fleet/kube";
import type { SettleResult } from "@mcp-fleet/row-cutover";
import { withRun } from "@mcp-fleet/telemetry";

import { withDatabase } from "./database";
import { phase } from "./phases";
import type { OnProgress } from "./progress";
import { settleSeconds, waitForRollout } from "./rollout";
import { probeServers } from "./run";
import type { Credentials, SettleInputs } from "./types";

/** What {@link runSettleStep} found and did. */
export interface SettleOutputs extends SettleResult {
  readonly generation: number;
}

/**
 * Ends a rollout: waits until no pod of an earlier generation can write rows any more, then lets the row engine
 * take the write fence away and look at the rows a last time. Meanwhile the servers are asked once more, since one
 * may have failed after the rows were committed. Generation 0 has nothing to settle.
 * @param onProgress hears which pods are waited for
 * @throws {UserError} naming the pods that remain when the time is over, or the servers that do not answer; the
 *   fence then stays, and a later run goes on from there
 */
export async function runSettleStep(
  inputs: SettleInputs,
  credentials: Credentials,
  onProgress?: OnProgress,
): Promise<SettleOutputs> {
  const { generation, spec, runId = "" } = inputs;
  return withRun(runId === "" ? randomUUID() : runId, () =>
    phase("settle", { cutover: spec.name, generation }, async () => {
      if (generation > 0) await rolledOut(inputs, credentials, onProgress);
      const settled = await phase("settle rows", {}, async (span) => {
        const rows = await import("@mcp-fleet/row-cutover");
        const result = await withDatabase(inputs, credentials, (db) =>
          rows.settle(db, spec, generation),
        );
        span.set({ fencedWrites: result.fencedWrites, converted: result.converted });
        return result;
      });
      return { ...settled, generation };
    }),
  );
}

/** Waits for the rollout, and asks the servers meanwhile. */
async function rolledOut(
  inputs: SettleInputs,
  credentials: Credentials,
  onProgress?: OnProgress,
): Promise<void> {
  const { workloads } = inputs;
  const waiting =
    workloads.length === 0
      ? undefined
      : phase("rollout", { workloads: workloads.length }, async () =>
          waitForRollout(await connectKube(inputs.kubernetes, credentials), inputs, onProgress),
        );
  const [rollout, servers] = await Promise.allSettled([waiting, askAgain(inputs, credentials)]);
  // Failing servers are usually why the rollout did not end.
  for (const one of [servers, rollout]) if (one.status === "rejected") throw one.reason;
}

/** @throws {UserError} that lists the servers which do not answer, and says how to go back */
async function askAgain(inputs: SettleInputs, credentials: Credentials): Promise<void> {
  const { probe, targets = [] } = inputs;
  if (probe === undefined || targets.length === 0) return;
  await probeServers({ ...inputs, probe, targets }, credentials, {
    again: Date.now() + (inputs.deadlineSeconds ?? settleSeconds) * 1000,
    consequence: `though the rows of generation ${inputs.generation} point at ${targets.length === 1 ? "it" : "them"} already; the write fence stays`,
    otherwise: " Or go back: set target to embedded and run an update.",
  });
}
