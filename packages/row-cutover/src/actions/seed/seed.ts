import type { Client } from "pg";

import { plainUrl } from "../../decide/document";
import { keyId, keyName, keyOf, type KeyValues } from "../../decide/keys";
import type { StoredRow } from "../../decide/rows";
import type { CutoverSpec } from "../../decide/spec";
import type { ForwardInput, ForwardStep, UndoStep } from "../../decide/steps";
import { targetJson } from "../../decide/target-document";
import { writesBlocked } from "../../postgres/assertions";
import { columnOf, columnsAsText, timeNow } from "../../postgres/columns";
import { namedTables } from "../../postgres/configured-sql";
import { checkReadableReferences, referencesTo } from "../../postgres/foreign-keys";
import { ident, keyArray, qualified } from "../../postgres/identifiers";
import { inScope, type TableShape } from "../../postgres/table";
import type { Action, ForwardDraft, ForwardRun, FoundRows, UndoRun } from "../action";
import { planRestore } from "../restore/plan";

/** Inserts a missing row in its new form. An undo removes it again. */
export const seed: Action = {
  steps: ["seed"],
  written: ["seed"],
  adds: 1,
  plan: planMissing,
  // The undo must see which rows refer to the row by then.
  check: async ({ client, shape }) =>
    checkReadableReferences(client, await referencesTo(client, shape)),
  write: async (run, steps) => {
    for (const step of steps) await seedRow(run, step);
    return 0;
  },
  entries: ["seed"],
  planUndo: planRestore,
  undoSteps: ["remove"],
  undo: async (run, steps) => {
    const warnings: string[] = [];
    for (const step of steps) {
      if (await removeSeed(run, step)) continue;
      warnings.push(
        `The row ${keyName(step.keyFound)}, which the cutover inserted, is referenced by other rows now and stays.`,
      );
    }
    const removed = steps.length - warnings.length;
    return { written: 0, added: -removed, counts: { remove: removed }, warnings };
  },
};

/** Plan: a missing row is inserted if its seed's condition holds. Otherwise a warning says why not. */
function planMissing(
  { previous, seedable }: ForwardInput,
  { row, main }: FoundRows,
  { steps, changes, warnings }: ForwardDraft,
): void {
  if (main !== undefined) return;
  const key = keyOf(row.key);
  const name = keyName(key);
  if (!seedable.has(keyId(key))) {
    warnings.push(
      previous?.has(keyId(key)) === true
        ? `The row ${name} was deleted since the last run and is not inserted again.`
        : `There is no row ${name}, and none is inserted: ${row.seed === undefined ? "no seed is configured" : "the condition of its seed does not hold"}.`,
    );
    return;
  }
  steps.push({ action: "seed", spec: row, keyAfter: key, count: 1, carry: false, path: [] });
  changes.push({ key: name, action: "seed", to: plainUrl(row.url) });
}

/** Plan: the keys of rows that may be inserted. They are missing, and nobody deleted them after an earlier run. */
export async function seedableKeys(
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

/** Whether a query of the configuration returns a row. It is a subquery, so that it can only read. */
async function holds(client: Client, spec: CutoverSpec, condition: string): Promise<boolean> {
  const tables = await namedTables(client, spec.table, condition);
  const found = await client.query(`${tables}select from (${condition}) condition limit 1`, []);
  return found.rowCount !== 0;
}

/** Inserts a missing row in the new form, with the column values of its seed. */
async function seedRow(run: ForwardRun, step: ForwardStep): Promise<void> {
  const { client, shape, spec, runId } = run;
  const { table } = spec;
  const { seed, set } = step.spec;
  const values: Record<string, string | null> = {
    ...(table.updatedAt === undefined ? {} : { [table.updatedAt]: null }),
    // A new row must meet the conditions of the configuration.
    ...Object.fromEntries(
      (table.where ?? []).flatMap(({ column, operator, value = "" }) =>
        operator === "=" ? [[column, value]] : [],
      ),
    ),
    ...seed?.values,
    ...set,
    ...(table.type === undefined ? {} : { [table.type.column]: table.type.value }),
    [table.config]: targetJson(step.spec),
    ...Object.fromEntries(table.key.map((column, i) => [column, step.keyAfter[i] ?? ""])),
  };
  const names = Object.keys(values);
  const made = await client.query(
    `insert into ${shape.name} (${names.map(ident).join(", ")})
     values (${names.map((name, i) => valueOf(shape, name, i + 1, values)).join(", ")})`,
    Object.values(values),
  );
  if (made.rowCount !== 1) throw writesBlocked(shape, "made", made.rowCount ?? 0, 1);
  const owned = Object.keys(set ?? {});
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_after, row_id, config_type, after_config, after_columns)
     select $1, 'row', 'seed', ${keyArray(table.key, "t")}, ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`},
            $2, t.${ident(table.config)}::text, ${columnsAsText(owned, "t")}
       from ${shape.rows} t where ${keyArray(table.key, "t")} = $3::text[]`,
    [runId, shape.configType, step.keyAfter],
  );
}

/** A value of the new row: the configured text, or the time. */
function valueOf(
  shape: TableShape,
  name: string,
  n: number,
  values: Readonly<Record<string, string | null>>,
): string {
  const given = `$${n}::text::${columnOf(shape, name).type}`;
  return name === shape.spec.updatedAt && values[name] === null
    ? `coalesce(${given}, ${timeNow(shape, name)})`
    : given;
}

/** Undo: removes the row. @returns false when other rows refer to it by now, so that it stays */
async function removeSeed({ client, shape, runId }: UndoRun, step: UndoStep): Promise<boolean> {
  const key = keyArray(shape.spec.key, "t");
  const references = await referencesTo(client, shape);
  await checkReadableReferences(client, references);
  for (const { schema, table, columns, targets } of references) {
    const on = columns.map(
      (column, i) => `t.${ident(targets[i] ?? "")}::text = r.${ident(column)}::text`,
    );
    const used = await client.query(
      `select from ${qualified(schema, table)} r join ${shape.rows} t on ${on.join(" and ")}
        where ${key} = $1::text[] limit 1`,
      [step.keyFound],
    );
    if (used.rowCount !== 0) return false;
  }
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, config_type, before_row)
     select $1, 'row', 'removed', $2, $3, ${columnsAsText([...shape.columns.keys()], "t")}
       from ${shape.rows} t where ${key} = $2::text[]`,
    [runId, step.keyFound, shape.configType],
  );
  const gone = await client.query(
    `delete from ${shape.name} t where ${key} = $1::text[] and ${inScope(shape.spec, "t")}`,
    [step.keyFound],
  );
  if (gone.rowCount !== 1) throw writesBlocked(shape, "removed", gone.rowCount ?? 0, 1);
  return true;
}
