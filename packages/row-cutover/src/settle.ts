import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { analyse } from "./analyse";
import { limitsOf, retrying, withClient, withTransaction } from "./client";
import { parseDocument, toJson } from "./document";
import { shown } from "./errors";
import { countFenced, dropFence, enterAsWriter, fenceExists } from "./fence";
import { applyForward } from "./forward";
import { ident, keyArray, literal } from "./identifiers";
import { readRowEntries, type RowEntry } from "./journal";
import { keyId } from "./keys";
import { findRun, type Run } from "./ledger";
import { takeRunLock } from "./locks";
import { checkTable } from "./preconditions";
import type { CutoverSpec, Db, SettleResult } from "./spec";
import { columnOf, readShape, type TableShape } from "./table";
import { checkSpec } from "./validate";

const attempts = 8;
/** Fewer, since removing a stack from a database that is gone too should not take long. */
const removeAttempts = 3;

/**
 * Ends a generation's rollout, once no old process of the application is left: writes again what old processes
 * overwrote where no fence held, takes the fence away, and records it. A second call answers the same and
 * changes nothing. Generation 0, before the first run, has nothing to settle.
 * @throws UserError when another generation is the newest
 */
export async function settle(db: Db, spec: CutoverSpec, generation: number): Promise<SettleResult> {
  if (generation === 0)
    return { fencedWrites: 0, converted: 0, removedFence: false, settledAt: "" };
  checkSpec(spec);
  const { lockSeconds, statementSeconds } = limitsOf(spec);
  // Readers queue up behind a wait for this lock, so it is waited for often rather than long.
  const limits = { lockSeconds: Math.min(lockSeconds, 1), statementSeconds };
  try {
    return await retrying(attempts, () =>
      withClient(db, `settle ${spec.name}`, limits, (client) =>
        withTransaction(client, limits, "read write", () =>
          inTransaction(client, spec, generation),
        ),
      ),
    );
  } catch (error) {
    throw shown(error, "settling the rows");
  }
}

/**
 * Takes a cutover's fence away without settling anything, whichever generation put it there: for when nobody is
 * left to settle. Rows, journal and ledger stay as they are.
 * @returns whether there was one
 */
export async function removeFence(db: Db, spec: CutoverSpec): Promise<boolean> {
  const { lockSeconds, statementSeconds } = limitsOf(spec);
  const limits = { lockSeconds: Math.min(lockSeconds, 1), statementSeconds };
  try {
    return await retrying(removeAttempts, () =>
      withClient(db, `fence ${spec.name}`, limits, (client) =>
        withTransaction(client, limits, "read write", async () => {
          await takeRunLock(client, spec);
          return dropFence(client, spec.name);
        }),
      ),
    );
  } catch (error) {
    throw shown(error, "taking the write fence away");
  }
}

async function inTransaction(
  client: Client,
  spec: CutoverSpec,
  generation: number,
): Promise<SettleResult> {
  await takeRunLock(client, spec);
  const run = await findRun(client, spec.name);
  if (run?.generation !== generation) {
    throw new UserError(
      `Generation ${generation} of ${spec.name} cannot be settled: the ledger's newest is ${run?.generation ?? "none"}.`,
      "Run the whole program again, so that the application gets the newest generation.",
    );
  }
  const shape = await readShape(client, spec);
  checkTable(shape);
  const fenced = await fenceExists(client, spec.name, shape);
  if (run.settledAt !== undefined && !fenced) {
    const { fencedWrites, converted, settledAt } = run;
    return { fencedWrites, converted, removedFence: false, settledAt };
  }
  // Removing a trigger needs this lock; it also ends every transaction that the fence still counts for.
  await client.query(
    `lock table ${shape.name} in ${fenced ? "access exclusive" : "share row exclusive"} mode`,
  );
  await enterAsWriter(client, run.runId);
  const again = await writeAgain(client, spec, shape, run);
  const converted = run.converted + again + (await convertLate(client, spec, run, again));
  const fencedWrites = run.fencedWrites + (await countFenced(client, run.runId));
  const removedFence = await dropFence(client, spec.name);
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

/** Rows of the run that are not as it left them. */
async function writeAgain(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
): Promise<number> {
  const { table } = spec;
  const config = `t.${ident(table.config)}`;
  const entries = await readRowEntries(client, run);
  const columns = [...new Set(entries.flatMap((entry) => Object.keys(entry.afterColumns)))].filter(
    (name) => shape.columns.has(name),
  );
  // Compared as documents where they are JSON, so that another spelling of the same is no difference; headers
  // that the application erased are no late write either.
  const differs =
    shape.configType === "text"
      ? `${config} is distinct from d.document`
      : `${config}::jsonb - 'headers' is distinct from d.document::jsonb - 'headers'`;
  const others = columns
    .filter((name) => name !== table.updatedAt)
    .map(
      (name) =>
        `(j.after_columns ? ${literal(name)} and t.${ident(name)}::text is distinct from j.after_columns ->> ${literal(name)})`,
    );
  const set = [
    `${ident(table.config)} = d.document::${shape.configType}`,
    ...columns.map(
      (name) =>
        `${ident(name)} = case when j.after_columns ? ${literal(name)} then (j.after_columns ->> ${literal(name)})::${columnOf(shape, name).type} else t.${ident(name)} end`,
    ),
  ];
  const documents = entries.flatMap((entry) => {
    const document = documentNow(entry, run, shape);
    return document === undefined ? [] : [{ entry: entry.entry, document }];
  });
  const done = await client.query(
    `update ${shape.name} t set ${set.join(", ")}
       from mcp_cutover.journal j
       join jsonb_to_recordset($2::jsonb) as d(entry bigint, document text) on d.entry = j.entry
      where j.run_id = $1 and ${keyArray(table.key, "t")} = j.key_after
        and (${[differs, ...others].join(" or ")})`,
    [run.runId, JSON.stringify(documents)],
  );
  return done.rowCount ?? 0;
}

/** The document a row should have, in the form of the column's type of today; the application may have changed it. */
export function documentNow(entry: RowEntry, run: Run, shape: TableShape): string | undefined {
  const held = ["rewrite", "restore", "seed", "unchanged", "inserted"].includes(entry.action);
  if (!held || entry.afterConfig === null || entry.keyAfter === null) return undefined;
  if (run.configType !== "text" || shape.configType === "text") return entry.afterConfig;
  const document = parseDocument(entry.keyAfter, entry.afterConfig);
  if (document === undefined) return undefined;
  const plain = document.format === "json" && document.path.length === 0;
  return plain ? entry.afterConfig : toJson(document.content);
}

/** Rows that old processes inserted since: they get the new form, and the journal their old one. */
async function convertLate(
  client: Client,
  spec: CutoverSpec,
  run: Run,
  touched: number,
): Promise<number> {
  if (run.target !== "in-cluster") return 0;
  const analysis = await analyse(client, spec, "in-cluster", { lock: true });
  if (analysis.kind !== "forward") return 0;
  const journalled = new Set(
    (await readRowEntries(client, run)).map((entry) => keyId(entry.keyAfter ?? [])),
  );
  const late = analysis.plan.steps.filter(
    (step) =>
      step.action === "merge" ||
      step.action === "late" ||
      (step.action === "rewrite" && !journalled.has(keyId(step.keyAfter))),
  );
  if (late.length === 0) return 0;
  const { shape, rows } = analysis;
  await applyForward(
    { client, spec, shape, runId: run.runId, rows, previous: undefined, touched },
    { ...analysis.plan, steps: late },
  );
  return late.length;
}
