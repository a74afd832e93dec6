import type { Client } from "pg";

import { leavesColumns } from "../actions/keep/unchanged";
import { checkComputed } from "../actions/rewrite/check-computed";
import { planRow } from "../actions/rewrite/plan";
import { ChangeList } from "../decide/change-list";
import { keyId, keyOf, keySet } from "../decide/keys";
import { setColumns } from "../decide/layout";
import { LostCredentials } from "../decide/lost-credentials";
import { refuseUnknownKeys } from "../decide/refusals";
import type { StoredRow } from "../decide/rows";
import type { CutoverSpec, RowSpec } from "../decide/spec";
import type { ForwardInput, ForwardPlan, ForwardStep, PlanNotes, ReadSize } from "../decide/steps";
import { inBatches, scanBatch } from "../postgres/cursor";
import { isPlainSql, mayHoldCredentialsSql, plainContentSql } from "../postgres/documents-sql";
import { EngineError } from "../postgres/errors";
import { isOwnSql, storedColumns } from "../postgres/rows";
import type { TableShape } from "../postgres/table";
import { readGroups, unreadRows } from "./read-groups";

/** Plans one row, or a row that stands for `count` rows. */
type PlanOne = (row: RowSpec, stored: StoredRow, count: number) => ForwardStep;

/**
 * Plans a table with a row for each tenant. SQL counts the rows in groups by what a run would do to them, and each group
 * is planned like one row. Rows that SQL cannot read are planned one by one and leave only counts.
 * @param tableRows about how many rows the table has
 */
export async function planGroups(
  client: Client,
  input: ForwardInput,
  shape: TableShape,
  tableRows: number,
): Promise<{ plan: ForwardPlan; readSize: ReadSize }> {
  const { spec } = input;
  const found = await readGroups(client, spec, shape, tableRows);
  refuseUnknownKeys(
    spec,
    [...found.unknown].map(([key, count]) => `${key} (${count})`),
  );
  const steps: ForwardStep[] = [];
  const changes = new ChangeList();
  const warnings = new Set<string>();
  const lost = new LostCredentials();
  const known = input.previous !== undefined;
  const plan: PlanOne = (row, stored, count) => {
    const planned: PlanNotes = { changes: [], warnings: [] };
    const step = planRow(input, row, stored, planned);
    lost.add(step, stored, known, planned.warnings);
    for (const change of planned.changes) changes.add({ ...change, count });
    for (const warning of planned.warnings) warnings.add(warning);
    return step;
  };
  for (const { spec: row, row: stored, form, count } of found.groups) {
    const { at: _, ...step } = plan(row, stored, count);
    if ((step.action === "unchanged") !== (form.there && leavesColumns(input, form.differs))) {
      throw new EngineError(
        `the rows of ${stored.key.join("/")} were not planned as they were counted`,
      );
    }
    steps.push({ ...step, form, count });
  }
  const withoutSteps =
    found.unread > 0 ? await planUnread(client, input, shape, plan) : { rewrite: 0, unchanged: 0 };
  for await (const { row, stored } of hiddenRows(client, spec, shape, known)) {
    const paths: string[] = [];
    lost.add({ action: "rewrite", spec: row, keyAfter: stored.match }, stored, known, paths);
    for (const warning of paths) warnings.add(warning);
  }
  lost.refuse();
  for (const [key, count] of found.foreign) {
    warnings.add(`${count} rows of ${key} are not the application's own and stay as they are.`);
  }
  for (const row of spec.rows) {
    const key = keyOf(row.key).join("/");
    if (!changes.has(key)) warnings.add(`There is no row of ${key}.`);
  }
  return {
    plan: { steps, changes: changes.all(), warnings: [...warnings], withoutSteps },
    readSize: { rows: found.rows, bytes: found.bytes },
  };
}

/** Plans and counts the rows that SQL cannot read. */
async function planUnread(
  client: Client,
  input: ForwardInput,
  shape: TableShape,
  plan: PlanOne,
): Promise<ForwardPlan["withoutSteps"]> {
  const counts = { rewrite: 0, unchanged: 0 };
  let some: ForwardStep[] = [];
  for await (const { step } of unreadSteps(client, input, shape, plan)) {
    if (step.action === "rewrite" || step.action === "unchanged") counts[step.action] += 1;
    some.push(step);
    if (some.length < scanBatch) continue;
    await checkComputed(client, shape, some);
    some = [];
  }
  await checkComputed(client, shape, some);
  return counts;
}

/** Rows that may hold credentials outside of `env`, whose variables SQL has listed. */
async function* hiddenRows(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  known: boolean,
): AsyncGenerator<{ row: RowSpec; stored: StoredRow }> {
  const servers = new Map(spec.rows.map((row) => [keyId(keyOf(row.key)), row]));
  const skip = keySet(spec.skip);
  const query = `select ${storedColumns(spec, shape, [])} from ${shape.rows} t
    where ${isOwnSql(spec)} and ${isPlainSql(shape)} and ${mayHoldCredentialsSql(`(${plainContentSql(shape)})`, known)}`;
  for await (const batch of inBatches<StoredRow>(client, query)) {
    for (const stored of batch) {
      const row = servers.get(keyId(stored.match));
      if (row !== undefined && !skip.has(keyId(stored.match))) yield { row, stored };
    }
  }
}

/** Plans the rows that SQL cannot read, one by one. */
export async function* unreadSteps(
  client: Client,
  input: ForwardInput,
  shape: TableShape,
  plan: PlanOne = (row, stored) => planRow(input, row, stored, { changes: [], warnings: [] }),
): AsyncGenerator<{ step: ForwardStep; row: StoredRow }> {
  const { spec } = input;
  const servers = new Map(spec.rows.map((row) => [keyId(keyOf(row.key)), row]));
  for await (const batch of unreadRows(client, spec, shape, setColumns(spec))) {
    for (const row of batch) {
      const server = servers.get(keyId(row.match));
      if (server !== undefined) yield { step: plan(server, row, 1), row };
    }
  }
}
