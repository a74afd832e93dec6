import type { Client } from "pg";

import type { Applied } from "../actions/action";
import { refuseConflicts } from "../actions/keep/changed-since";
import { rehearse } from "../actions/rewrite/write";
import { specHash } from "../decide/hash";
import { setColumns } from "../decide/layout";
import type { RunResult } from "../decide/results";
import type { CutoverSpec, RunMeta, Target } from "../decide/spec";
import { PlanOutdated, type TableTriggers } from "../postgres/errors";
import { lockTable } from "../postgres/locks";
import { triggersOf } from "../postgres/table";
import {
  dropFence,
  enterAsWriter,
  isFenced,
  leaveAsWriter,
  lockMode,
  raiseFence,
} from "../store/fence";
import { makeFence } from "../store/fence-functions";
import { inheritFinalized, recordRun, recordServers } from "../store/ledger";
import { ensureLedger } from "../store/schema";
import { analyse, confirm, confirmShape } from "./analyse";
import type { Analysis, WritingAnalysis } from "./analysis";
import { applyForward } from "./forward";
import { applyUndo } from "./undo";

/** The request for one run. */
export interface RunRequest {
  readonly spec: CutoverSpec;
  readonly target: Target;
  readonly meta: RunMeta;
  readonly runId: string;
}

/**
 * A complete run inside its transaction, up to COMMIT: analyse, refuse, prepare, lock, confirm, write, fence,
 * record.
 * @param blame names the triggers that may raise an error from then on
 */
export async function changeRows(
  client: Client,
  { spec, target, meta, runId }: RunRequest,
  blame: (code: TableTriggers) => void,
): Promise<RunResult> {
  // Everything that can be refused is refused before anything is locked.
  const first = await analyse(client, spec, target);
  if (first.kind === "noop") return repeated(client, spec, target, first);
  blame(triggersOf(first.shape));
  await ensureLedger(client);
  await confirmShape(client, spec, first);
  await prepare(client, spec, first, runId);
  const mode = await lockMode(client, spec, first.shape);
  const [, analysis] = await Promise.all([
    lockTable(client, first.shape, mode),
    confirm(client, spec, target, first),
  ]);
  // In this case the prepared data must not be kept.
  if (analysis.kind === "noop") throw new PlanOutdated();
  if (analysis !== first) await prepare(client, spec, analysis, runId);
  const { shape, identity, generation } = analysis;
  const { counts, journalRows, warnings } = await apply(client, spec, analysis, runId);
  const fenced = isFenced(spec, shape);
  const planHash = specHash(spec, target);
  const fencing = fenced ? raiseFence(client, spec.name, shape) : dropFence(client, spec.name);
  const recording = recordRun(client, {
    ...{ spec, generation, runId, target, planHash, identity, meta, counts, journalRows, fenced },
    tableName: shape.name,
    configType: shape.configType,
  });
  const [committedAt] = await Promise.all([recording, fencing, leaveAsWriter(client)]);
  await recordServers(client, runId, meta);
  // The oldest form of the rows is unknown, so this generation cannot be undone either.
  if (analysis.kind === "forward" && analysis.previous?.finalizedAt !== undefined)
    await inheritFinalized(client, runId);
  return {
    ...{ generation, runId, planHash, target, counts, committedAt, repeated: false },
    changes: analysis.changes,
    warnings: [...analysis.warnings, ...warnings],
  };
}

/** Work that is possible before writers have to wait. */
async function prepare(
  client: Client,
  spec: CutoverSpec,
  analysis: WritingAnalysis,
  runId: string,
): Promise<void> {
  const { shape } = analysis;
  const columns = analysis.kind === "forward" ? setColumns(spec) : analysis.plan.columns;
  await Promise.all([
    enterAsWriter(client, runId),
    ...(analysis.kind === "forward"
      ? [
          rehearse(
            { client, spec, shape, runId, previous: analysis.previous, rows: 0 },
            analysis.plan.steps,
          ),
        ]
      : []),
    ...(isFenced(spec, shape) ? [makeFence(client, spec.name, shape, { runId, columns })] : []),
  ]);
}

async function apply(
  client: Client,
  spec: CutoverSpec,
  analysis: WritingAnalysis,
  runId: string,
): Promise<Applied> {
  const { shape } = analysis;
  // Counted before anything was written, and still valid: nobody else can write the table now.
  const rows = Number(analysis.fingerprint.rows);
  if (analysis.kind === "forward") {
    const { previous, plan, input } = analysis;
    return applyForward({ client, spec, shape, runId, previous, rows }, plan, input);
  }
  refuseConflicts(spec, analysis.plan);
  const { undone, plan } = analysis;
  return applyUndo({ client, spec, shape, runId, undone, rows, columns: plan.columns }, plan);
}

/** Answers with the run that is in the ledger. A plan that differs but changes no row replaces its plan hash there. */
export async function repeated(
  client: Client,
  spec: CutoverSpec,
  target: Target,
  { ledger, changes, warnings }: Analysis,
): Promise<RunResult> {
  const planHash = specHash(spec, target);
  const common = { planHash, target, changes, warnings, repeated: true };
  if (ledger === undefined)
    return { ...common, generation: 0, runId: "", counts: {}, committedAt: "" };
  const { generation, runId, counts, committedAt } = ledger;
  if (ledger.planHash !== planHash) {
    await client.query("update mcp_cutover.run set plan_hash = $2 where run_id = $1", [
      runId,
      planHash,
    ]);
  }
  return { ...common, generation, runId, counts, committedAt };
}
