import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { checkSpec } from "../decide/check-spec";
import { parseDocument, toJson } from "../decide/document";
import { keyId } from "../decide/keys";
import { entriesLeftAlone } from "../keep/application-urls";
import { columnsOf } from "../layouts/plan-undo-groups";
import { assertTouched, type Expected, finishDeferred, fixOf } from "../postgres/assertions";
import { type OthersCode, shown } from "../postgres/errors";
import { takeFingerprint } from "../postgres/fingerprint";
import { ident, keyArray, literal } from "../postgres/identifiers";
import { takeRunLock } from "../postgres/locks";
import { checkDatabase, checkLedger, checkTable } from "../postgres/preconditions";
import { inBatches } from "../postgres/rows";
import { checkRunRights } from "../postgres/run-rights";
import { limitsOf, retrying, withClient, withTransaction } from "../postgres/session";
import { columnOf, inScope, othersCode, readShape, type TableShape } from "../postgres/table";
import { analyse } from "../run/analyse";
import { applyForward } from "../run/forward";
import type { ForwardPlan } from "../run/plan-forward";
import type { CutoverSpec, Db, SettleResult } from "../spec";
import { countFenced, dropFence, enterAsWriter, fenceExists } from "../store/fence";
import { entryColumns, readKeys, type RowEntry } from "../store/journal";
import type { Run } from "../store/ledger";
import { addKey } from "../store/schema";

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
  let others: OthersCode | undefined;
  try {
    return await retrying(attempts, () =>
      withClient(db, `settle ${spec.name}`, limits, (client) =>
        withTransaction(client, limits, "read write", () =>
          inTransaction(client, spec, generation, (shape) => {
            others = othersCode(shape);
          }),
        ),
      ),
    );
  } catch (error) {
    throw shown(error, "settling the rows", others);
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
  found: (shape: TableShape) => void,
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
  // Removing a trigger needs this lock; it also ends every transaction that the fence still counts for.
  await client.query(
    `lock table ${shape.name} in ${fenced ? "access exclusive" : "share row exclusive"} mode`,
  );
  await enterAsWriter(client, run.runId);
  found(shape);
  const rows = Number((await takeFingerprint(client, shape)).rows);
  const again = await writeAgain(client, spec, shape, run);
  await finishDeferred(client);
  if (again > 0) await assertWritten(client, spec, shape, run, { written: again, rows });
  const converted = run.converted + again + (await convertLate(client, spec, run, again));
  const fencedWrites = run.fencedWrites + (await countFenced(client, run.runId));
  const removedFence = await dropFence(client, spec.name);
  await addKey(client);
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

/** Has the rows that were written again be as the run left them, and no other row be touched. */
async function assertWritten(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
  expected: Expected,
): Promise<void> {
  await assertTouched(client, shape, expected);
  // What was written is not to be written once more; if it is, all of it is taken back.
  if ((await writeAgain(client, spec, shape, run)) === 0) return;
  throw new UserError(
    `Rows of ${shape.spec.schema}.${shape.spec.table} did not become what was written: a trigger or rule of the table changed them; nothing was committed.`,
    fixOf(shape),
  );
}

/** Rows of the run that are not as it left them. */
async function writeAgain(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
): Promise<number> {
  const columns = await columnsOf(client, shape, run);
  const owned = await entriesLeftAlone(client, spec, shape, run, (entry) =>
    documentNow(entry, run, shape),
  );
  const parts = { columns, owned };
  if (run.configType !== "text" || shape.configType === "text")
    return writeDocuments(client, spec, shape, run, parts);
  // The application made another type of the column since, so that the documents have another form now.
  let count = 0;
  const entries = `select ${entryColumns("j")} from mcp_cutover.journal j where j.run_id = ${literal(run.runId)} and j.kind = 'row'`;
  for await (const batch of inBatches<RowEntry>(client, entries)) {
    const documents = batch.flatMap((entry) => {
      const now = documentNow(entry, run, shape);
      return now === undefined ? [] : [{ entry: entry.entry, document: now }];
    });
    count += await writeDocuments(client, spec, shape, run, parts, documents);
  }
  return count;
}

interface WrittenParts {
  /** The columns beside the document. */
  readonly columns: readonly string[];
  /** Entries whose documents stay as the application wrote them. */
  readonly owned: readonly string[];
}

async function writeDocuments(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  run: Run,
  { columns, owned }: WrittenParts,
  documents?: readonly { entry: string; document: string }[],
): Promise<number> {
  const { table } = spec;
  const config = `t.${ident(table.config)}`;
  const document = documents === undefined ? "j.after_config" : "d.document";
  // Compared as documents where they are JSON, so that another spelling of the same is no difference; headers
  // that the application erased are no late write either.
  const other =
    shape.configType === "text"
      ? `${config} is distinct from ${document}`
      : `${config}::text is distinct from ${document}
          and ${config}::jsonb - 'headers' is distinct from ${document}::jsonb - 'headers'`;
  const stays = owned.length === 0 ? undefined : `j.entry in (${owned.join(", ")})`;
  const differs = stays === undefined ? other : `not ${stays} and ${other}`;
  const written = `${document}::${shape.configType}`;
  const others = columns
    .filter((name) => name !== table.updatedAt)
    .map(
      (name) =>
        `(j.after_columns ? ${literal(name)} and t.${ident(name)}::text is distinct from j.after_columns ->> ${literal(name)})`,
    );
  const set = [
    `${ident(table.config)} = ${stays === undefined ? written : `case when ${stays} then ${config} else ${written} end`}`,
    ...columns.map(
      (name) =>
        `${ident(name)} = case when j.after_columns ? ${literal(name)} then (j.after_columns ->> ${literal(name)})::${columnOf(shape, name).type} else t.${ident(name)} end`,
    ),
  ];
  const source =
    documents === undefined
      ? "mcp_cutover.journal j"
      : `mcp_cutover.journal j join jsonb_to_recordset($2::jsonb) as d(entry bigint, document text) on d.entry = j.entry`;
  const done = await client.query(
    `update ${shape.name} t set ${set.join(", ")} from ${source}
      where j.run_id = $1 and j.kind = 'row' and j.action in ${heldActions} and j.after_config is not null
        and ${keyArray(table.key, "t")} = j.key_after and ${inScope(table, "t")} and (${[differs, ...others].join(" or ")})`,
    // A document in the statement's text would be in the server's log and lists of statements.
    [run.runId, ...(documents === undefined ? [] : [JSON.stringify(documents)])],
  );
  return done.rowCount ?? 0;
}

const held = ["rewrite", "restore", "seed", "unchanged", "inserted"];
const heldActions = `(${held.map((action) => literal(action)).join(", ")})`;

/** The document a row should have, in the form of the column's type of today; the application may have changed it. */
export function documentNow(
  entry: Pick<RowEntry, "action" | "keyAfter" | "afterConfig">,
  run: Run,
  shape: TableShape,
): string | undefined {
  if (!held.includes(entry.action) || entry.afterConfig === null || entry.keyAfter === null)
    return undefined;
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
