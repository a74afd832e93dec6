import type { Client } from "pg";

import { checkComputed } from "../actions/rewrite/check-computed";
import { seedableKeys } from "../actions/seed/seed";
import { keyId, type KeyValues } from "../decide/keys";
import { namedKeys, setColumns } from "../decide/layout";
import type { StoredRow } from "../decide/rows";
import type { CutoverSpec } from "../decide/spec";
import type { ForwardPlan, ForwardStep, ReadSize } from "../decide/steps";
import { ident, keyArray } from "../postgres/identifiers";
import { hasOneOfSql, isOwnSql, readRows } from "../postgres/rows";
import type { TableShape } from "../postgres/table";
import { journalColumns, readKeys, readRowEntries } from "../store/journal";
import type { Run } from "../store/ledger";
import type { ForwardRequest, Layout, PlannedForward, PlannedUndo } from "./layout";
import { planForward } from "./plan-forward";
import { planUndo } from "./plan-undo";

/** Each entry of the configuration is one row. All of them are read into memory and planned one by one. */
export const rowPerServer: Layout = {
  planForward: planRows,
  planUndo: planUndoRows,
  writeWithoutSteps: () => Promise.resolve(),
  restoreWithoutSteps: () => Promise.resolve(),
  lateSteps,
  documents,
};

async function planRows(
  client: Client,
  { given, shape, active }: ForwardRequest,
): Promise<PlannedForward> {
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
  return { plan, input, readSize: sizeOf(rows) };
}

async function planUndoRows(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  undone: Run,
): Promise<PlannedUndo> {
  const entries = await readRowEntries(client, undone);
  const keys: KeyValues[] = entries.flatMap((entry) =>
    [entry.keyAfter, entry.keyBefore].filter((key) => key !== null),
  );
  const columns = journalColumns(entries).filter((name) => shape.columns.has(name));
  const rows = await readRows(client, spec, shape, { keys, columns });
  const plan = planUndo({ spec, configType: shape.configType, rows, entries });
  return { plan, readSize: sizeOf(rows) };
}

function sizeOf(rows: ReadonlyMap<string, StoredRow>): ReadSize {
  let bytes = 0;
  for (const { config } of rows.values()) bytes += config?.length ?? 0;
  return { rows: rows.size, bytes };
}

async function lateSteps(client: Client, run: Run, { steps }: ForwardPlan): Promise<ForwardStep[]> {
  const journalled = await readKeys(client, run);
  return steps.filter(
    (step) =>
      step.action === "merge" ||
      step.action === "late" ||
      (step.action === "rewrite" && !journalled.has(keyId(step.keyAfter))),
  );
}

function documents(spec: CutoverSpec, shape: TableShape): string {
  const { table } = spec;
  return `select ${keyArray(table.key, "t")} as key, t.${ident(table.config)}::text as config, 1 as count
            from ${shape.rows} t where ${table.type === undefined ? hasOneOfSql(spec, namedKeys(spec)) : isOwnSql(spec)}
           order by ${table.key.map((column) => `t.${ident(column)}`).join(", ")}`;
}
