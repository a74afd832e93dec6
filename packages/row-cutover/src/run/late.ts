import type { Client } from "pg";

import { keyId } from "../decide/keys";
import type { CutoverSpec } from "../decide/spec";
import type { ForwardPlan } from "../decide/steps";
import { readKeys } from "../store/journal";
import type { Run } from "../store/ledger";
import { analyse } from "./analyse";
import { applyForward } from "./forward";

/** Rows that old processes inserted since: they get the new form, and the journal their old one. */
export async function convertLate(
  client: Client,
  spec: CutoverSpec,
  run: Run,
  touched: number,
): Promise<number> {
  if (run.target !== "in-cluster") return 0;
  const analysis = await analyse(client, spec, "in-cluster");
  if (analysis.kind !== "forward") return 0;
  const { shape, input } = analysis;
  const plan = await latePlan(client, spec, run, analysis.plan);
  const late = plan.steps.reduce((sum, { count }) => sum + count, plan.streamed.rewrite);
  if (late === 0) return 0;
  await applyForward(
    {
      ...{ client, spec, shape, runId: run.runId, previous: undefined, touched },
      rows: Number(analysis.fingerprint.rows),
    },
    plan,
    input,
  );
  return late;
}

/** What of a plan is about rows that the run has not seen. */
async function latePlan(
  client: Client,
  spec: CutoverSpec,
  run: Run,
  plan: ForwardPlan,
): Promise<ForwardPlan> {
  if (spec.table.match !== undefined) {
    // Every row of the run was written again just now if it had to be.
    return { ...plan, steps: plan.steps.filter(({ action }) => action === "rewrite") };
  }
  const journalled = await readKeys(client, run);
  const steps = plan.steps.filter(
    (step) =>
      step.action === "merge" ||
      step.action === "late" ||
      (step.action === "rewrite" && !journalled.has(keyId(step.keyAfter))),
  );
  return { ...plan, steps };
}
