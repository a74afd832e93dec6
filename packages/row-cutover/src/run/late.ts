import type { Client } from "pg";

import type { CutoverSpec } from "../decide/spec";
import { layoutOf } from "../layouts/layout-of";
import type { Run } from "../store/ledger";
import { analyse } from "./analyse";
import { applyForward } from "./forward";

/** Rewrites rows that old processes inserted since the run, and journals their old form. @returns how many */
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
  const steps = await layoutOf(spec).lateSteps(client, run, analysis.plan);
  const plan = { ...analysis.plan, steps };
  const late = plan.steps.reduce((sum, { count }) => sum + count, plan.withoutSteps.rewrite);
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
