import { isDeepStrictEqual } from "node:util";

import type { Client } from "pg";

import { specHash } from "../decide/hash";
import { keyId, keyOf, type KeyValues } from "../decide/keys";
import { refuseFinalized } from "../decide/refusals";
import { deferredWarnings } from "../keep/deferred";
import { refuseAbandoned } from "../keep/left-behind";
import { type Looked, planClasses } from "../layouts/plan-groups";
import { planUndoServers } from "../layouts/plan-undo-groups";
import { checkTables } from "../merge/undo-references";
import { namedTables } from "../postgres/configured-sql";
import { EngineError, RowsMoved } from "../postgres/errors";
import { type Fingerprint, isUntouched, takeFingerprint } from "../postgres/fingerprint";
import {
  checkDatabase,
  checkLedger,
  checkOtherCutovers,
  checkTable,
  type DatabaseIdentity,
} from "../postgres/preconditions";
import { checkPublications, checkReplicaIdentity } from "../postgres/publications";
import type { RightsFacts } from "../postgres/rights-facts";
import { checkRowKeys } from "../postgres/row-keys";
import { checkDocuments, namedKeys, readRows, type StoredRow } from "../postgres/rows";
import { checkReadiness, checkRunRights } from "../postgres/run-rights";
import { readShape, setColumns, type TableShape } from "../postgres/table";
import { planUndo, type UndoPlan } from "../restore/plan";
import { checkComputed } from "../rewrite/computed";
import type { CutoverSpec, RowChange, Target } from "../spec";
import {
  checkJournal,
  journalColumns,
  readKeys,
  readReferenceEntries,
  readRowEntries,
} from "../store/journal";
import { type Run } from "../store/ledger";
import { checkForwardRights, checkUndoRights } from "./action-rights";
import { type ForwardInput, type ForwardPlan, planForward, writesNothing } from "./plan-forward";

interface Common {
  /** The newest run, whatever its target. */
  readonly ledger: Run | undefined;
  /** The generation after the run. */
  readonly generation: number;
  readonly changes: RowChange[];
  readonly warnings: string[];
}

interface Writing extends Common {
  readonly identity: DatabaseIdentity;
  readonly shape: TableShape;
  readonly facts: RightsFacts;
  /** The table before anything of it was read. */
  readonly fingerprint: Fingerprint;
  readonly looked: Looked;
}

/** What there is to do, found by reading alone. */
export type Analysis =
  | (Common & { readonly kind: "noop" })
  | (Writing & {
      readonly kind: "forward";
      readonly plan: ForwardPlan;
      readonly input: ForwardInput;
      readonly previous: Run | undefined;
    })
  | (Writing & { readonly kind: "undo"; readonly plan: UndoPlan; readonly undone: Run });

/** @throws UserError for every reason not to run, named */
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
 * Has the table's shape stay what the analysis found, without holding off a writer: reading a table keeps every
 * ALTER TABLE waiting until the transaction ends, so what still holds after that reading holds to the end.
 * @throws RowsMoved when somebody altered the table just before
 */
export async function confirmShape(
  client: Client,
  spec: CutoverSpec,
  { shape }: Pick<Writing, "shape">,
): Promise<void> {
  if (!isDeepStrictEqual(await readShape(client, spec), shape)) throw new RowsMoved();
}

/**
 * The same analysis once nobody can write the table any more. Where nobody did since the first one, that one holds:
 * reading a large table twice would double the time that writers wait.
 */
export async function confirm(
  client: Client,
  spec: CutoverSpec,
  target: Target,
  first: Exclude<Analysis, { kind: "noop" }>,
): Promise<Analysis> {
  const untouched = await isUntouched(client, first.shape, first.fingerprint);
  return untouched ? first : analyse(client, spec, target);
}

type Base = Omit<Writing, "changes" | "warnings" | "looked">;

async function forward(
  client: Client,
  spec: CutoverSpec,
  base: Base,
  warnings: readonly string[],
): Promise<Analysis> {
  const { ledger, shape } = base;
  await checkOtherCutovers(client, spec, shape.name);
  await checkRowKeys(client, spec, shape);
  await checkDocuments(client, spec, shape);
  const active = ledger?.target === "in-cluster" ? ledger : undefined;
  if (active !== undefined) await checkJournal(client, active);
  const samePlan = active?.planHash === specHash(spec, "in-cluster");
  if (active !== undefined && !samePlan) await refuseAbandoned(client, spec, shape, active);
  const carries = active !== undefined && active.finalizedAt === undefined;
  const input = { spec, carries, samePlan };
  const found =
    spec.table.match === undefined
      ? await planKeys(client, input, shape, active)
      : await planServers(client, input, base, active);
  const { plan } = found;
  await checkForwardRights(client, spec, base, plan.steps);
  const all = { changes: plan.changes, warnings: [...warnings, ...plan.warnings] };
  if (active !== undefined && writesNothing(plan)) {
    return { kind: "noop", ledger, generation: active.generation, ...all };
  }
  all.warnings.push(...deferredWarnings(spec, found.input.rows));
  return { ...base, kind: "forward", previous: active, ...found, ...all };
}

interface Planned {
  readonly plan: ForwardPlan;
  readonly input: ForwardInput;
  readonly looked: Looked;
}

/** Each entry of the configuration is one row. */
async function planKeys(
  client: Client,
  given: Pick<ForwardInput, "spec" | "carries" | "samePlan">,
  shape: TableShape,
  active: Run | undefined,
): Promise<Planned> {
  const { spec } = given;
  const rows = await readRows(client, spec, shape, {
    keys: namedKeys(spec),
    columns: setColumns(spec),
  });
  const previous = active === undefined ? undefined : await readKeys(client, active);
  const seedable = await seedableKeys(client, spec, rows, previous);
  const input = { ...given, rows, previous, seedable };
  const plan = planForward(input);
  await checkComputed(client, shape, plan.steps);
  return { plan, input, looked: sizeOf(rows) };
}

/** Each entry of the configuration is all rows of a server. */
async function planServers(
  client: Client,
  given: Pick<ForwardInput, "spec" | "carries" | "samePlan">,
  { shape, fingerprint }: Base,
  active: Run | undefined,
): Promise<Planned> {
  const previous = active === undefined ? undefined : new Map<string, null>();
  const input = {
    ...given,
    rows: new Map<string, StoredRow>(),
    previous,
    seedable: new Set<string>(),
  };
  return { ...(await planClasses(client, input, shape, Number(fingerprint.rows))), input };
}

function sizeOf(rows: ReadonlyMap<string, StoredRow>): Looked {
  let bytes = 0;
  for (const { config } of rows.values()) bytes += config?.length ?? 0;
  return { rows: rows.size, bytes };
}

/** Only rows that are missing, and that nobody deleted after a run had made or written them. */
async function seedableKeys(
  client: Client,
  spec: CutoverSpec,
  rows: ReadonlyMap<string, StoredRow>,
  previous: ReadonlyMap<string, KeyValues | null> | undefined,
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const row of spec.rows) {
    const keys = [row.key, ...(row.aliases ?? [])].map((key) => keyId(keyOf(key)));
    if (row.seed === undefined || keys.some((key) => rows.has(key) || previous?.has(key) === true))
      continue;
    const { condition } = row.seed;
    if (condition === undefined || (await holds(client, spec, condition)))
      found.add(keyId(keyOf(row.key)));
  }
  return found;
}

/** Whether a query of the configuration returns a row. In a subquery, so that it can only read. */
async function holds(client: Client, spec: CutoverSpec, condition: string): Promise<boolean> {
  const tables = await namedTables(client, spec.table, condition);
  const found = await client.query(`${tables}select from (${condition}) condition limit 1`, []);
  return found.rowCount !== 0;
}

async function undo(
  client: Client,
  spec: CutoverSpec,
  base: Base,
  warnings: readonly string[],
): Promise<Analysis> {
  const undone = base.ledger;
  if (undone === undefined) throw new EngineError("there is no run to take back");
  refuseFinalized(spec, undone);
  await checkJournal(client, undone);
  const { plan, looked } =
    spec.table.match === undefined
      ? await planUndoKeys(client, spec, base.shape, undone)
      : await planUndoServers(client, spec, base.shape, undone);
  checkUndoRights(spec, base.facts, plan.steps);
  await checkTables(client, spec.table, await readReferenceEntries(client, undone));
  const what = spec.onConflict === "fail" ? "Conflict" : "Changed since the cutover";
  const conflicts = plan.conflicts.list.map(
    ({ key, reason }) => `${what}: the row ${key} ${reason}.`,
  );
  const more = plan.conflicts.count - plan.conflicts.list.length;
  return {
    ...base,
    kind: "undo",
    looked,
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

async function planUndoKeys(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  undone: Run,
): Promise<{ plan: UndoPlan; looked: Looked }> {
  const entries = await readRowEntries(client, undone);
  const keys: KeyValues[] = entries.flatMap((entry) =>
    [entry.keyAfter, entry.keyBefore].filter((key) => key !== null),
  );
  const columns = journalColumns(entries).filter((name) => shape.columns.has(name));
  const rows = await readRows(client, spec, shape, { keys, columns });
  const plan = planUndo({ spec, configType: shape.configType, rows, entries });
  return { plan, looked: sizeOf(rows) };
}
