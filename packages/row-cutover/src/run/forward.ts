import type { Client } from "pg";

import { unreadSteps } from "../layouts/plan-groups";
import { mergeRow } from "../merge/merge";
import { assertTarget, finishDeferred } from "../postgres/assertions";
import { EngineError } from "../postgres/errors";
import type { TableShape } from "../postgres/table";
import { journalRows, writeRows } from "../rewrite/write";
import { seedRow } from "../seed/seed";
import type { CutoverSpec } from "../spec";
import { countEntries } from "../store/journal";
import type { Run } from "../store/ledger";
import type { ForwardInput, ForwardPlan, ForwardStep } from "./plan-forward";

/** What all steps of one run share. */
export interface ForwardRun {
  readonly client: Client;
  readonly spec: CutoverSpec;
  readonly shape: TableShape;
  readonly runId: string;
  /** The generation before, when it pointed into the cluster too. */
  readonly previous: Run | undefined;
  /** Rows that the same transaction wrote before. @default 0 */
  readonly touched?: number;
  /** How many rows the table had when nobody could write it any more. */
  readonly rows: number;
}

/** Steps in one statement. */
const batch = 2000;

/** What a run wrote. */
export interface Applied {
  /** Rows by action. */
  readonly counts: Record<string, number>;
  /** Entries of the journal. */
  readonly journalRows: number;
  readonly warnings: readonly string[];
}

/** Journals and writes everything of a plan. */
export async function applyForward(
  run: ForwardRun,
  plan: ForwardPlan,
  input: ForwardInput,
): Promise<Applied> {
  const { client, spec, shape } = run;
  const { steps, streamed } = plan;
  const of = (...actions: ForwardStep["action"][]): ForwardStep[] =>
    steps.filter((step) => actions.includes(step.action));
  const rows = of("rewrite", "unchanged");
  const merged = of("merge", "late");
  const seeds = of("seed");
  const counts = countRows(plan);
  const asserted = (): Promise<void> =>
    assertTarget(client, spec, shape, {
      written: (counts.rewrite ?? 0) + (counts.seed ?? 0) + (run.touched ?? 0),
      rows: run.rows + seeds.length - merged.length,
      configured: run.touched === undefined,
    });
  const alone = merged.length + seeds.length + streamed.rewrite + streamed.unchanged === 0;
  if (alone && rows.length <= batch && run.previous === undefined) {
    // Sent at once: an answer that is waited for is time that writers wait too. The first refusal is the one thrown.
    const [, , , , entries] = await Promise.all([
      journalRows(run, rows),
      writeRows(run, rows),
      finishDeferred(client),
      asserted(),
      countEntries(client, run.runId),
    ]);
    return { counts, journalRows: entries, warnings: [] };
  }
  for (const some of inChunks(rows)) await journalRows(run, some);
  for (const some of inChunks(rows)) await writeRows(run, some);
  if (streamed.rewrite + streamed.unchanged > 0) await applyUnread(run, plan, input);
  await carryOver(run);
  let references = 0;
  for (const step of merged) references += await mergeRow(run, step);
  for (const step of seeds) await seedRow(run, step);
  const [, , entries] = await Promise.all([
    finishDeferred(client),
    asserted(),
    countEntries(client, run.runId),
  ]);
  return {
    counts: references > 0 ? { ...counts, references } : counts,
    journalRows: entries,
    warnings: [],
  };
}

/** Rows by action. */
export function countRows({ steps, streamed }: ForwardPlan): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { action, count } of [
    ...steps,
    { action: "rewrite", count: streamed.rewrite },
    { action: "unchanged", count: streamed.unchanged },
  ]) {
    if (count > 0) counts[action] = (counts[action] ?? 0) + count;
  }
  return counts;
}

/** Rows that SQL cannot read are read again, since nobody could write them in between. */
async function applyUnread(
  run: ForwardRun,
  { streamed }: ForwardPlan,
  input: ForwardInput,
): Promise<void> {
  let steps: ForwardStep[] = [];
  let done = 0;
  const write = async (): Promise<void> => {
    await journalRows(run, steps);
    await writeRows(run, steps);
    done += steps.length;
    steps = [];
  };
  for await (const { step } of unreadSteps(run.client, input, run.shape)) {
    steps.push(step);
    if (steps.length === batch) await write();
  }
  await write();
  const planned = streamed.rewrite + streamed.unchanged;
  if (done !== planned) throw new EngineError(`${done} rows were written instead of ${planned}`);
}

function* inChunks(steps: readonly ForwardStep[]): Generator<readonly ForwardStep[]> {
  for (let at = 0; at < steps.length; at += batch) yield steps.slice(at, at + batch);
}

/** What an undo of the generation before would do beside restoring rows, an undo of this one has to do too. */
async function carryOver({ client, previous, runId }: ForwardRun): Promise<void> {
  if (previous === undefined || previous.finalizedAt !== undefined) return;
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
       before_config, after_config, before_columns, after_columns, before_row, detail)
     select $1, kind, action, key_found, key_before, key_after, row_id, config_type,
            before_config, after_config, before_columns, after_columns, before_row, detail
       from mcp_cutover.journal j
      where j.run_id = $2 and j.action <> 'late'
        and (j.kind <> 'row' or j.action = 'merge' or not exists (
          select from mcp_cutover.journal n where n.run_id = $1 and n.kind = 'row' and n.key_after = j.key_after))
      order by j.entry`,
    [runId, previous.runId],
  );
}
