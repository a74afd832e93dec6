import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { checkSpec } from "../decide/check-spec";
import type { FinalizeResult } from "../decide/results";
import type { CutoverSpec, Db } from "../decide/spec";
import { checkDatabase } from "../postgres/database";
import { takeRunLock } from "../postgres/locks";
import { limitsOf, session } from "../postgres/session";
import { readShape } from "../postgres/table";
import { checkLedger } from "../store/access";
import { fenceExists } from "../store/fence";
import { findRun, markFinalized, type Run } from "../store/ledger";

const attempts = 5;

/**
 * Discards the undo data of all generations: the before-images, which hold credentials, are deleted from the journal.
 * The ledger stays, and so does what the newest run wrote, for {@link drift}. An undo is refused from then on, also of
 * later generations. A second call answers the same and changes nothing.
 * @throws UserError when `generation` is not the newest, or its rollout has not been settled
 */
export async function finalize(
  db: Db,
  spec: CutoverSpec,
  generation: number,
): Promise<FinalizeResult> {
  checkSpec(spec);
  const limits = limitsOf(spec);
  const doing = "discarding the undo data";
  return session(
    { db, name: `finalize ${spec.name}`, limits, mode: "read write", attempts, doing },
    (client) => discardUndo(client, spec, generation),
  );
}

async function discardUndo(
  client: Client,
  spec: CutoverSpec,
  generation: number,
): Promise<FinalizeResult> {
  await takeRunLock(client, spec);
  const run = await checkLedger(client, spec, await checkDatabase(client, spec));
  if (run?.generation !== generation) {
    throw new UserError(
      `Generation ${generation} of ${spec.name} cannot be finalized: the ledger's newest is ${run?.generation ?? "none"}.`,
      "Look at the newest generation first, then name that one.",
    );
  }
  if (run.finalizedAt !== undefined) {
    return { generation, dropped: 0, finalizedAt: run.finalizedAt };
  }
  await refuseUnsettled(client, spec, run);
  const dropped = await dropImages(client, spec, run);
  const left = await client.query<{ count: number }>(
    "select count(*)::int as count from mcp_cutover.journal where run_id = $1",
    [run.runId],
  );
  const finalizedAt = await markFinalized(client, run.runId, left.rows[0]?.count ?? 0);
  const after = await findRun(client, spec.name);
  return { generation, dropped, finalizedAt: after?.finalizedAt ?? finalizedAt };
}

async function refuseUnsettled(client: Client, spec: CutoverSpec, run: Run): Promise<void> {
  const fenced = await fenceExists(client, spec.name, await readShape(client, spec));
  if (run.settledAt !== undefined && !fenced) return;
  throw new UserError(
    `Generation ${run.generation} of ${spec.name} has not been settled, so it may still have to be undone.`,
    "Let the rollout end (a run of the whole program settles it), look at the application, then finalize.",
  );
}

/** @returns how many before-images there were */
async function dropImages(client: Client, spec: CutoverSpec, run: Run): Promise<number> {
  // What a run towards `embedded` wrote is the old documents too.
  const keep = run.target === "in-cluster";
  const gone = await client.query<{ images: number }>(
    `with gone as (
       delete from mcp_cutover.journal j using mcp_cutover.run r
        where r.cutover = $1 and j.run_id = r.run_id
          and (j.run_id <> $2 or not $3 or j.kind <> 'row' or j.action in ('merge', 'late'))
       returning j.before_config is not null or j.before_row is not null as image)
     select count(*) filter (where image)::int as images from gone`,
    [spec.name, run.runId, keep],
  );
  const cleared = await client.query(
    `update mcp_cutover.journal set before_config = null, before_columns = null, before_row = null, detail = null
      where run_id = $1 and before_config is not null`,
    [run.runId],
  );
  return (gone.rows[0]?.images ?? 0) + (cleared.rowCount ?? 0);
}
