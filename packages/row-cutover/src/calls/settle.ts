import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { assertWritten, writeAgain } from "../actions/keep/write-again";
import { checkSpec } from "../decide/check-spec";
import type { SettleResult } from "../decide/results";
import type { CutoverSpec, Db } from "../decide/spec";
import { finishDeferred } from "../postgres/assertions";
import { checkTable } from "../postgres/check-table";
import { checkDatabase } from "../postgres/database";
import { takeFingerprint } from "../postgres/fingerprint";
import { takeRunLock } from "../postgres/locks";
import { checkRunRights } from "../postgres/rights/check";
import { type Attempt, limitsOf, session } from "../postgres/session";
import { readShape, triggersOf } from "../postgres/table";
import { convertLate } from "../run/late";
import { checkLedger } from "../store/access";
import { countFenced, dropFence, enterAsWriter, fenceExists } from "../store/fence";
import { migrate } from "../store/schema";

const attempts = 8;

/** Seconds. Readers queue behind a wait for the table's lock, so each attempt waits a short time. */
const longestWait = 1;

/** Fewer, since removing a stack whose database is gone too should not take long. */
const removeAttempts = 3;

/**
 * Ends a generation's rollout, once no old process of the application is left. Writes rows again that old processes
 * overwrote where there was no fence, rewrites rows that they inserted, removes the fence and records it. A second call
 * answers the same and changes nothing. Generation 0, before the first run, has nothing to settle.
 * @throws UserError when another generation is the newest
 */
export async function settle(db: Db, spec: CutoverSpec, generation: number): Promise<SettleResult> {
  if (generation === 0)
    return { fencedWrites: 0, converted: 0, removedFence: false, settledAt: "" };
  checkSpec(spec);
  const limits = limitsOf(spec, longestWait);
  const doing = "settling the rows";
  return session(
    { db, name: `settle ${spec.name}`, limits, mode: "read write", attempts, doing },
    (client, attempt) => endRollout(client, spec, generation, attempt),
  );
}

/**
 * Removes a cutover's fence without settling, whichever generation made it: for a stack that is removed. Rows, journal
 * and ledger stay as they are.
 * @returns whether there was one
 */
export async function removeFence(db: Db, spec: CutoverSpec): Promise<boolean> {
  const limits = limitsOf(spec, longestWait);
  const doing = "removing the write fence";
  return session(
    { db, name: `fence ${spec.name}`, limits, mode: "read write", attempts: removeAttempts, doing },
    async (client) => {
      await takeRunLock(client, spec);
      return dropFence(client, spec.name);
    },
  );
}

async function endRollout(
  client: Client,
  spec: CutoverSpec,
  generation: number,
  { blame }: Attempt,
): Promise<SettleResult> {
  await takeRunLock(client, spec);
  const run = await checkLedger(client, spec, await checkDatabase(client, spec));
  if (run?.generation !== generation) {
    throw new UserError(
      `Generation ${generation} of ${spec.name} cannot be settled: the ledger's newest is ${run?.generation ?? "none"}.`,
      "Run the whole program again, so that the application gets the newest generation.",
    );
  }
  const shape = await readShape(client, spec);
  checkTable(shape);
  await checkRunRights(client, spec);
  const fenced = await fenceExists(client, spec.name, shape);
  if (run.settledAt !== undefined && !fenced) {
    const { fencedWrites, converted, settledAt } = run;
    return { fencedWrites, converted, removedFence: false, settledAt };
  }
  // Removing a trigger needs this lock. It also waits for every transaction whose writes the fence has counted.
  await client.query(
    `lock table ${shape.name} in ${fenced ? "access exclusive" : "share row exclusive"} mode`,
  );
  await enterAsWriter(client, run.runId);
  blame(triggersOf(shape));
  const rows = Number((await takeFingerprint(client, shape)).rows);
  const again = await writeAgain(client, spec, shape, run);
  await finishDeferred(client);
  if (again > 0) await assertWritten(client, spec, shape, run, { written: again, rows });
  const converted = run.converted + again + (await convertLate(client, spec, run, again));
  const fencedWrites = run.fencedWrites + (await countFenced(client, run.runId));
  const removedFence = await dropFence(client, spec.name);
  await migrate(client);
  await client.query("delete from mcp_cutover.fenced_write where run_id = $1", [run.runId]);
  const settled = await client.query<{ at: string }>(
    `update mcp_cutover.run set settled_at = clock_timestamp(), fenced_writes = $2, converted = $3,
            journal_rows = (select count(*) from mcp_cutover.journal where run_id = $1)
      where run_id = $1
      returning to_char(settled_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`,
    [run.runId, fencedWrites, converted],
  );
  return { fencedWrites, converted, removedFence, settledAt: settled.rows[0]?.at ?? "" };
}
