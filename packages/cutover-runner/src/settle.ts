import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@mcp-fleet/errors";
import { connectKube, type Kube } from "@mcp-fleet/kube";
import type { SettleResult } from "@mcp-fleet/row-cutover";
import { withRun } from "@mcp-fleet/telemetry";

import { withDatabase } from "./database";
import { phase } from "./phases";
import { type OnProgress, speaking } from "./progress";
import { rolloutState } from "./rollout";
import { probeServers } from "./run";
import type { Credentials, SettleInputs } from "./types";

/** What {@link runSettleStep} found and did. */
export interface SettleOutputs extends SettleResult {
  readonly generation: number;
}

const pollMs = 1000;

/** How long a rollout may take while the fence holds, in seconds, where the stack does not say. */
const settleSeconds = 600;

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
  // What the servers did wrong is mostly why the rollout did not end.
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

/** Returns when every workload has only pods of the wanted generation. */
export async function waitForRollout(
  kube: Kube,
  {
    generation,
    workloads,
    deadlineSeconds = settleSeconds,
  }: Pick<SettleInputs, "generation" | "workloads" | "deadlineSeconds">,
  onProgress?: OnProgress,
): Promise<void> {
  const end = Date.now() + deadlineSeconds * 1000;
  const say = speaking(onProgress);
  for (;;) {
    const states = await Promise.all(
      workloads.map((workload) => rolloutState(kube, workload, generation)),
    );
    const oldPods = states.flatMap((state) => state.oldPods);
    const pending = states.flatMap((state) => state.pending);
    if (oldPods.length === 0 && pending.length === 0) return;
    say([...oldPods.map((pod) => `old pod ${pod}`), ...pending].join("; "));
    const stuck = states.some((state) => state.stuck);
    if (stuck || Date.now() + pollMs > end) {
      const pods =
        oldPods.length === 0 ? "" : ` Pods of an earlier generation: ${oldPods.join(", ")}.`;
      const why = pending.length === 0 ? "" : ` ${pending.join("; ")}.`;
      throw new UserError(
        `The rollout to generation ${generation} ${stuck ? "is stuck" : `has not ended within ${deadlineSeconds} seconds`}, so the rows stay fenced.${pods}${why}`,
        "Mend the rollout, then run again; the rows need nothing done.",
      );
    }
    await sleep(pollMs);
  }
}
