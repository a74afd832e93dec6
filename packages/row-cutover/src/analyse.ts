import type { Client } from "pg";

import { EngineError } from "./errors";
import { specHash } from "./hash";
import { byKeyAfter, checkJournal, readRowEntries, type RowEntry } from "./journal";
import { keyId, keyOf, type KeyValues } from "./keys";
import { type Run } from "./ledger";
import { type ForwardPlan, planForward, writesNothing } from "./plan-forward";
import { planUndo, type UndoPlan } from "./plan-undo";
import {
  checkDatabase,
  checkLedger,
  checkOtherCutovers,
  checkTable,
  type DatabaseIdentity,
} from "./preconditions";
import { refuseFinalized } from "./refusals";
import { checkForwardRights, checkUndoRights } from "./rights";
import { checkDocuments, namedKeys, readRows, type StoredRow } from "./rows";
import type { CutoverSpec, RowChange, Target } from "./spec";
import { readShape, setColumns, type TableShape } from "./table";

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
  readonly rows: ReadonlyMap<string, StoredRow>;
}

/** What there is to do, found by reading alone. */
export type Analysis =
  | (Common & { readonly kind: "noop" })
  | (Writing & {
      readonly kind: "forward";
      readonly plan: ForwardPlan;
      readonly previous: Run | undefined;
    })
  | (Writing & { readonly kind: "undo"; readonly plan: UndoPlan; readonly undone: Run });

/** @throws UserError for every reason not to run, named */
export async function analyse(
  client: Client,
  spec: CutoverSpec,
  target: Target,
  options: { readonly lock: boolean },
): Promise<Analysis> {
  const identity = await checkDatabase(client);
  const ledger = await checkLedger(client, spec, identity);
  if (target === "embedded" && ledger?.target !== "in-cluster") {
    return { kind: "noop", ledger, generation: ledger?.generation ?? 0, changes: [], warnings: [] };
  }
  const shape = await readShape(client, spec);
  checkTable(shape);
  const warnings =
    spec.fence && !shape.privileges.trigger
      ? [
          `The database role may not make triggers on ${shape.name}, so nothing holds the rows while old processes of the application still run; Settle writes again what they overwrite.`,
        ]
      : [];
  const common = { ledger, generation: (ledger?.generation ?? 0) + 1, identity, shape };
  return target === "in-cluster"
    ? forward(client, spec, common, warnings, options.lock)
    : undo(client, spec, common, warnings, options.lock);
}

type Base = Omit<Writing, "changes" | "warnings" | "rows">;

async function forward(
  client: Client,
  spec: CutoverSpec,
  base: Base,
  warnings: readonly string[],
  lock: boolean,
): Promise<Analysis> {
  const { ledger, shape } = base;
  await checkOtherCutovers(client, spec, shape.name);
  await checkDocuments(client, spec, shape);
  const columns = [
    ...setColumns(spec),
    ...(spec.table.updatedAt === undefined ? [] : [spec.table.updatedAt]),
  ];
  const rows = await readRows(client, spec, shape, { keys: namedKeys(spec), columns, lock });
  const active = ledger?.target === "in-cluster" ? ledger : undefined;
  if (active !== undefined) await checkJournal(client, active);
  const previous =
    active === undefined ? undefined : byKeyAfter(await readRowEntries(client, active));
  const samePlan = active?.planHash === specHash(spec, "in-cluster");
  const seedable = await seedableKeys(client, spec, rows, previous);
  const carries = active?.finalizedAt === undefined;
  const plan = planForward({ spec, rows, previous, carries, samePlan, seedable });
  await checkForwardRights(client, spec, shape, plan.steps);
  const all = { changes: plan.changes, warnings: [...warnings, ...plan.warnings] };
  if (active !== undefined && writesNothing(plan)) {
    return { kind: "noop", ledger, generation: active.generation, ...all };
  }
  return { ...base, kind: "forward", rows, plan, previous: active, ...all };
}

/** Only rows that are missing, and that nobody deleted after a run had made or written them. */
async function seedableKeys(
  client: Client,
  spec: CutoverSpec,
  rows: ReadonlyMap<string, StoredRow>,
  previous: ReadonlyMap<string, RowEntry> | undefined,
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const row of spec.rows) {
    const keys = [row.key, ...(row.aliases ?? [])].map((key) => keyId(keyOf(key)));
    if (row.seed === undefined || keys.some((key) => rows.has(key) || previous?.has(key) === true))
      continue;
    const { condition } = row.seed;
    // In a subquery, so that it can only read.
    const holds =
      condition === undefined ||
      (await client.query(`select from (${condition}) condition limit 1`, [])).rowCount !== 0;
    if (holds) found.add(keyId(keyOf(row.key)));
  }
  return found;
}

async function undo(
  client: Client,
  spec: CutoverSpec,
  base: Base,
  warnings: readonly string[],
  lock: boolean,
): Promise<Analysis> {
  const undone = base.ledger;
  if (undone === undefined) throw new EngineError("there is no run to take back");
  refuseFinalized(spec, undone);
  await checkJournal(client, undone);
  const entries = await readRowEntries(client, undone);
  const keys: KeyValues[] = entries.flatMap((entry) =>
    [entry.keyAfter, entry.keyBefore].filter((key) => key !== null),
  );
  const columns = [
    ...new Set(
      entries.flatMap((entry) => Object.keys({ ...entry.afterColumns, ...entry.beforeColumns })),
    ),
  ].filter((name) => base.shape.columns.has(name));
  const rows = await readRows(client, spec, base.shape, { keys, columns, lock });
  const plan = planUndo({ spec, configType: base.shape.configType, rows, entries });
  checkUndoRights(base.shape, plan.steps);
  return {
    ...base,
    kind: "undo",
    rows,
    plan,
    undone,
    changes: plan.changes,
    warnings: [
      ...warnings,
      ...plan.warnings,
      ...plan.conflicts.map(({ key, reason }) => `Conflict: the row ${key} ${reason}.`),
    ],
  };
}
