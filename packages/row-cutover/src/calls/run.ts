import { randomUUID } from "node:crypto";

import type { Client } from "pg";

import { checkSpec } from "../decide/check-spec";
import { specHash } from "../decide/hash";
import {
  CommitUnknown,
  isConnectionError,
  type OthersCode,
  RowsMoved,
  shown,
} from "../postgres/errors";
import { lockMode, lockTable, takeRunLock, waitForRunLock } from "../postgres/locks";
import { limitsOf, retrying, withClient, withTransaction } from "../postgres/session";
import { othersCode, setColumns, type TableShape } from "../postgres/table";
import { refuseConflicts } from "../restore/plan";
import { rehearse } from "../rewrite/write";
import { analyse, type Analysis, confirm, confirmShape } from "../run/analyse";
import { type Applied, applyForward } from "../run/forward";
import { applyUndo } from "../run/undo";
import type { CutoverSpec, Db, RunMeta, RunResult, Target } from "../spec";
import {
  dropFence,
  enterAsWriter,
  isFenced,
  leaveAsWriter,
  makeFence,
  raiseFence,
} from "../store/fence";
import { findRun, inheritFinalized, recordRun, recordShown } from "../store/ledger";
import { ensureLedger } from "../store/schema";

const attempts = 5;

/**
 * Brings the rows to `target` in one transaction: forward for `in-cluster`, undo for `embedded`. Rows that are
 * there already are not touched. A committed run is never done twice, also when its answer was lost.
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
  const name = `run ${spec.name} by ${meta.who}`;
  let pending: RunResult | undefined;
  let lost = false;
  let others: OthersCode | undefined;
  const attempt = async (): Promise<RunResult> => {
    // An earlier attempt may have been committed without our hearing of it.
    if (pending !== undefined) {
      const done = await resolvePending(db, spec, pending);
      if (done !== undefined) return done;
      pending = undefined;
    }
    return withClient(db, name, limits, async (client) => {
      try {
        return await withTransaction(client, limits, "read write", async () => {
          pending = undefined;
          await takeRunLock(client, spec, lost ? limits.lockSeconds : 0);
          const result = await inTransaction(client, spec, target, meta, runId, (shape) => {
            others = othersCode(shape);
          });
          pending = result;
          return result;
        });
      } catch (error) {
        if (!(error instanceof CommitUnknown)) pending = undefined;
        lost ||= isConnectionError(error) || error instanceof CommitUnknown;
        throw error;
      }
    });
  };
  try {
    return await retrying(attempts, attempt);
  } catch (error) {
    // Nobody came back to say how the COMMIT ended.
    const unknown = pending !== undefined && isConnectionError(error);
    throw shown(
      unknown ? new CommitUnknown() : error,
      target === "embedded" ? "taking the rows back" : "moving the rows",
      others,
    );
  }
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
  try {
    return await retrying(attempts, () =>
      withClient(db, `plan ${spec.name}`, limits, (client) =>
        withTransaction(client, limits, "read write", async () => {
          await takeRunLock(client, spec);
          const analysis = await analyse(client, spec, target);
          return analysis.kind === "noop" ? repeated(client, spec, target, analysis) : undefined;
        }),
      ),
    );
  } catch (error) {
    throw shown(error, "recording the plan");
  }
}

async function inTransaction(
  client: Client,
  spec: CutoverSpec,
  target: Target,
  meta: RunMeta,
  runId: string,
  found: (shape: TableShape) => void,
): Promise<RunResult> {
  // Everything that can be refused is refused before anything is locked.
  const first = await analyse(client, spec, target);
  if (first.kind === "noop") return repeated(client, spec, target, first);
  found(first.shape);
  await ensureLedger(client);
  await confirmShape(client, spec, first);
  await prepare(client, spec, first, runId);
  const mode = await lockMode(client, spec, first.shape);
  const [, analysis] = await Promise.all([
    lockTable(client, first.shape, mode),
    confirm(client, spec, target, first),
  ]);
  // What was prepared is not for keeping then.
  if (analysis.kind === "noop") throw new RowsMoved();
  if (analysis !== first) await prepare(client, spec, analysis, runId);
  const { shape, identity, generation } = analysis;
  const { counts, journalRows, warnings } = await apply(client, spec, analysis, runId);
  const fenced = isFenced(spec, shape);
  const planHash = specHash(spec, target);
  const fencing = fenced ? raiseFence(client, spec.name, shape) : dropFence(client, spec.name);
  const recording = recordRun(client, {
    spec,
    generation,
    runId,
    target,
    planHash,
    tableName: shape.name,
    configType: shape.configType,
    identity,
    meta,
    counts,
    journalRows,
    fenced,
  });
  const [committedAt] = await Promise.all([recording, fencing, leaveAsWriter(client)]);
  await recordShown(client, runId, meta);
  // The oldest form is not known any more, so this generation has no way back either.
  if (analysis.kind === "forward" && analysis.previous?.finalizedAt !== undefined)
    await inheritFinalized(client, runId);
  const all = [...analysis.warnings, ...warnings];
  return {
    generation,
    runId,
    planHash,
    target,
    counts,
    changes: analysis.changes,
    committedAt,
    repeated: false,
    warnings: all,
  };
}

/** What can be done before writers have to wait. */
async function prepare(
  client: Client,
  spec: CutoverSpec,
  analysis: Exclude<Analysis, { kind: "noop" }>,
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
  analysis: Exclude<Analysis, { kind: "noop" }>,
  runId: string,
): Promise<Applied> {
  const { shape } = analysis;
  // Counted before anything was written, and still so: nobody else can write the table now.
  const rows = Number(analysis.fingerprint.rows);
  if (analysis.kind === "forward") {
    const { previous, plan, input } = analysis;
    return applyForward({ client, spec, shape, runId, previous, rows }, plan, input);
  }
  refuseConflicts(spec, analysis.plan);
  return applyUndo({ client, spec, shape, runId, undone: analysis.undone, rows }, analysis.plan);
}

/** Answers with the run that is in the ledger. A plan that differs but changes no row takes its place there. */
async function repeated(
  client: Client,
  spec: CutoverSpec,
  target: Target,
  { ledger, changes, warnings }: Analysis,
): Promise<RunResult> {
  const hash = specHash(spec, target);
  if (ledger === undefined) {
    return {
      generation: 0,
      runId: "",
      planHash: hash,
      target,
      counts: {},
      changes,
      committedAt: "",
      repeated: true,
      warnings,
    };
  }
  if (ledger.planHash !== hash) {
    await client.query("update mcp_cutover.run set plan_hash = $2 where run_id = $1", [
      ledger.runId,
      hash,
    ]);
  }
  const { generation, runId, counts, committedAt } = ledger;
  return {
    generation,
    runId,
    planHash: hash,
    target,
    counts,
    changes,
    committedAt,
    repeated: true,
    warnings,
  };
}

/** Waits until the lost connection's transaction has ended, then asks the ledger how. */
async function resolvePending(
  db: Db,
  spec: CutoverSpec,
  pending: RunResult,
): Promise<RunResult | undefined> {
  const limits = { ...limitsOf(spec), lockSeconds: 30 };
  return withClient(db, `resolve ${spec.name}`, limits, (client) =>
    withTransaction(client, limits, "read write", async () => {
      await waitForRunLock(client, spec);
      if (pending.repeated) return undefined;
      const run = await findRun(client, spec.name, pending.runId);
      return run === undefined ? undefined : { ...pending, committedAt: run.committedAt };
    }),
  );
}
