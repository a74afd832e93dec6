import { randomUUID } from "node:crypto";

import { checkSpec } from "../decide/check-spec";
import type { RunResult } from "../decide/results";
import type { CutoverSpec, Db, RunMeta, Target } from "../decide/spec";
import { takeRunLock, waitForRunLock } from "../postgres/locks";
import { limitsOf, session } from "../postgres/session";
import { analyse } from "../run/analyse";
import { changeRows, repeated } from "../run/change-rows";
import { findRun } from "../store/ledger";

const attempts = 5;

/**
 * Brings the rows to `target` in one transaction: forward for `in-cluster`, undo for `embedded`. Rows that already
 * are as they should be are not written. A committed run is never repeated, even when the answer to COMMIT was lost.
 * @throws UserError with the rows as they were
 */
export async function runCutover(
  db: Db,
  spec: CutoverSpec,
  target: Target,
  meta: RunMeta,
): Promise<RunResult> {
  checkSpec(spec);
  const limits = limitsOf(spec);
  const runId = meta.runId ?? randomUUID();
  return session<RunResult>(
    {
      ...{ db, name: `run ${spec.name} by ${meta.who}`, limits, mode: "read write", attempts },
      doing: target === "embedded" ? "taking the rows back" : "moving the rows",
      // Waits until the lost connection's transaction has ended, then asks the ledger for the run.
      resolve: async (client, result) => {
        await waitForRunLock(client, spec);
        if (result.repeated) return undefined;
        const run = await findRun(client, spec.name, result.runId);
        return run === undefined ? undefined : { ...result, committedAt: run.committedAt };
      },
    },
    async (client, { reconnected, blame }) => {
      await takeRunLock(client, spec, reconnected ? limits.lockSeconds : 0);
      return changeRows(client, { spec, target, meta, runId }, blame);
    },
  );
}

/**
 * Records the plan of a run that has no row to change, so that ledger and caller name the same one. Never writes
 * a row.
 * @returns undefined, with nothing written, when there are rows to change after all
 */
export async function recordPlan(
  db: Db,
  spec: CutoverSpec,
  target: Target,
): Promise<RunResult | undefined> {
  checkSpec(spec);
  const limits = limitsOf(spec);
  const doing = "recording the plan";
  return session(
    { db, name: `plan ${spec.name}`, limits, mode: "read write", attempts, doing },
    async (client) => {
      await takeRunLock(client, spec);
      const analysis = await analyse(client, spec, target);
      return analysis.kind === "noop" ? repeated(client, spec, target, analysis) : undefined;
    },
  );
}
