import { isDeepStrictEqual } from "node:util";

import type { Client } from "pg";

import { deferredWarnings, refuseUnserved } from "../actions/keep/outside-plan";
import { checkTables } from "../actions/merge/undo-references";
import { specHash } from "../decide/hash";
import type { CutoverSpec, Target } from "../decide/spec";
import { writesNothing } from "../decide/steps";
import { layoutOf } from "../layouts/layout-of";
import { checkDocuments } from "../postgres/check-documents";
import { checkTable } from "../postgres/check-table";
import { checkDatabase } from "../postgres/database";
import { EngineError, PlanOutdated } from "../postgres/errors";
import { isUntouched, takeFingerprint } from "../postgres/fingerprint";
import { checkPublications, checkReplicaIdentity } from "../postgres/publications";
import { checkReadiness, checkRunRights } from "../postgres/rights/check";
import { checkRowKeys } from "../postgres/row-keys";
import { readShape } from "../postgres/table";
import { checkLedger, checkOtherCutovers } from "../store/access";
import { checkJournal, readReferenceEntries, refuseFinalized } from "../store/journal";
import type { Analysis, Surroundings, WritingAnalysis } from "./analysis";
import { checkForward, checkUndo } from "./check-actions";

/** Reads the database and plans a run. @throws UserError for everything that would stop it */
export async function analyse(
  client: Client,
  spec: CutoverSpec,
  target: Target,
): Promise<Analysis> {
  const identity = await checkDatabase(client, spec);
  const ledger = await checkLedger(client, spec, identity);
  if (target === "embedded" && ledger?.target !== "in-cluster") {
    const warnings = await checkReadiness(client, spec);
    return { kind: "noop", ledger, generation: ledger?.generation ?? 0, changes: [], warnings };
  }
  const shape = await readShape(client, spec);
  const { facts, warnings: unfenced } = await checkRunRights(client, spec);
  checkTable(shape);
  const warnings = [...unfenced, ...(await checkPublications(client, spec))];
  await checkReplicaIdentity(client, String(shape.oid));
  const fingerprint = await takeFingerprint(client, shape);
  const common = {
    ledger,
    generation: (ledger?.generation ?? 0) + 1,
    identity,
    shape,
    facts,
    fingerprint,
  };
  return target === "in-cluster"
    ? forward(client, spec, common, warnings)
    : undo(client, spec, common, warnings);
}

/**
 * Checks that the table's shape is still as the analysis found it, without making a writer wait. The analysis has read
 * the table, which makes every ALTER TABLE wait until the transaction ends, so the shape cannot change after this.
 * @throws PlanOutdated when somebody altered the table just before
 */
export async function confirmShape(
  client: Client,
  spec: CutoverSpec,
  { shape }: Pick<Surroundings, "shape">,
): Promise<void> {
  if (!isDeepStrictEqual(await readShape(client, spec), shape)) throw new PlanOutdated();
}

/**
 * The analysis once nobody can write the table any more. If nobody wrote it since the first one, that one is still valid:
 * reading a large table again would double the time that writers wait.
 */
export async function confirm(
  client: Client,
  spec: CutoverSpec,
  target: Target,
  first: WritingAnalysis,
): Promise<Analysis> {
  const untouched = await isUntouched(client, first.shape, first.fingerprint);
  return untouched ? first : analyse(client, spec, target);
}

async function forward(
  client: Client,
  spec: CutoverSpec,
  base: Surroundings,
  warnings: readonly string[],
): Promise<Analysis> {
  const { ledger, shape } = base;
  await checkOtherCutovers(client, spec, shape.name);
  await checkRowKeys(client, spec, shape);
  await checkDocuments(client, spec, shape);
  const active = ledger?.target === "in-cluster" ? ledger : undefined;
  if (active !== undefined) await checkJournal(client, active);
  const samePlan = active?.planHash === specHash(spec, "in-cluster");
  if (active !== undefined && !samePlan) await refuseUnserved(client, spec, shape, active);
  const carries = active !== undefined && active.finalizedAt === undefined;
  const found = await layoutOf(spec).planForward(client, {
    ...{ given: { spec, carries, samePlan }, shape, active },
    tableRows: Number(base.fingerprint.rows),
  });
  const { plan } = found;
  await checkForward(client, spec, base, plan.steps);
  const all = { changes: plan.changes, warnings: [...warnings, ...plan.warnings] };
  if (active !== undefined && writesNothing(plan)) {
    return { kind: "noop", ledger, generation: active.generation, ...all };
  }
  all.warnings.push(...deferredWarnings(spec, found.input.rows));
  return { ...base, kind: "forward", previous: active, ...found, ...all };
}

async function undo(
  client: Client,
  spec: CutoverSpec,
  base: Surroundings,
  warnings: readonly string[],
): Promise<Analysis> {
  const undone = base.ledger;
  if (undone === undefined) throw new EngineError("there is no run to take back");
  refuseFinalized(spec, undone);
  await checkJournal(client, undone);
  const { plan, readSize } = await layoutOf(spec).planUndo(client, spec, base.shape, undone);
  checkUndo(spec, base.facts, plan.steps);
  await checkTables(client, spec.table, await readReferenceEntries(client, undone));
  const what = spec.onConflict === "fail" ? "Conflict" : "Changed since the cutover";
  const conflicts = plan.conflicts.list.map(
    ({ key, reason }) => `${what}: the row ${key} ${reason}.`,
  );
  const more = plan.conflicts.count - plan.conflicts.list.length;
  return {
    ...base,
    kind: "undo",
    readSize,
    plan,
    undone,
    changes: plan.changes,
    warnings: [
      ...warnings,
      ...plan.warnings,
      ...conflicts,
      ...(more > 0 ? [`${what}: ${more} more rows.`] : []),
    ],
  };
}
