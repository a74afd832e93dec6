import { UserError } from "@mcp-fleet/errors";

import { describe, parseDocument, plainUrl } from "../../decide/document";
import type { RowEntry } from "../../decide/entries";
import { keyId, keyName, keyOf, type KeyValues } from "../../decide/keys";
import type { RowChange } from "../../decide/results";
import type { StoredRow } from "../../decide/rows";
import type { CutoverSpec, RowSpec } from "../../decide/spec";
import type { ForwardInput, ForwardStep, UndoDraft, UndoInput, UndoStep } from "../../decide/steps";
import { writesBlocked } from "../../postgres/assertions";
import { columnsAsText } from "../../postgres/columns";
import { EngineError } from "../../postgres/errors";
import { ident, keyArray, literal } from "../../postgres/identifiers";
import { inScope } from "../../postgres/table";
import { readReferenceEntries } from "../../store/journal";
import type { Action, Checked, ForwardRun, UndoRun } from "../action";
import { foreignKeys, moveReferences, refuseDeeper } from "./references";
import { findSoftReference, moveSoftReferences } from "./soft-references";
import { undoReferences } from "./undo-references";

/**
 * Merges two rows of one server: what refers to the row with the older key is pointed to the row that stays, then the
 * row with the older key is deleted. `late`: the application inserted the older row again after the run; its merge is
 * not undone.
 */
export const merge: Action = {
  steps: ["merge", "late"],
  written: [],
  adds: -1,
  plan: (input, { row, others }, draft) => {
    for (const alias of others) {
      const step = planMerge(input, row, alias, draft.changes);
      draft.steps.push(step);
      draft.lost.add(step, alias, false, draft.warnings);
    }
  },
  check: checkMerges,
  write: async (run, steps) => {
    let references = 0;
    for (const step of steps) references += await mergeRow(run, step);
    return references;
  },
  entries: ["merge"],
  planUndo: planUnmerge,
  undoSteps: ["insert"],
  undo: async (run, steps) => {
    for (const step of steps) await unmergeRow(run, step);
    const entries = await readReferenceEntries(run.client, run.undone);
    const { restored, warnings } = await undoReferences(run.client, run.spec.table, entries);
    const inserted = steps.length;
    return {
      ...{ written: inserted, added: inserted, warnings },
      counts: { insert: inserted, references: restored },
    };
  },
};

/** Plan: the row `alias` of the same server is merged into the row that stays. */
function planMerge(
  { previous }: ForwardInput,
  row: RowSpec,
  alias: StoredRow,
  changes: RowChange[],
): ForwardStep {
  const key = keyOf(row.key);
  const before = previous?.get(keyId(key));
  // The row was renamed by an earlier run, and an old process of the application inserted it again.
  const late = before !== undefined && before !== null && keyId(before) === keyId(alias.key);
  changes.push({
    key: keyName(alias.key),
    action: "merge",
    to: plainUrl(row.url),
    also: [`its references move to ${keyName(key)}, then the row is deleted`],
  });
  return {
    action: late ? "late" : "merge",
    spec: row,
    keyFound: alias.key,
    keyAfter: key,
    count: 1,
    carry: false,
    path: [],
  };
}

/**
 * Plan: a user's own row under an older key of a server. The application does not start beside it.
 * @throws UserError unless it may be merged
 */
export function refuseForeignAlias(
  spec: CutoverSpec,
  row: RowSpec,
  foreignRows: readonly StoredRow[],
  own: StoredRow | undefined,
): void {
  if (foreignRows.length === 0 || (spec.customAliases === "merge" && own !== undefined)) return;
  const names = foreignRows.map(({ key }) => keyName(key)).join(", ");
  const key = keyName(keyOf(row.key));
  throw new UserError(
    `The row ${names} of ${spec.table.schema}.${spec.table.table} is a user's own server under an older key of ${key}, beside which the application does not start.`,
    own === undefined
      ? `Rename or delete it in the application, or list ${names} in [cutover.skip].`
      : `Set [cutover.customAliases] to merge, which moves its references to ${key} and removes it (an undo brings it back), or list ${names} in [cutover.skip].`,
  );
}

/** Checks: every reference can be moved, found again and moved back. */
async function checkMerges(
  { client, spec, shape }: Checked,
  steps: readonly ForwardStep[],
): Promise<void> {
  if (spec.table.id === undefined) {
    throw new UserError(
      "Two rows of the same server have to be merged, and the column that references point to is not known.",
      "Set [cutover.table.id].",
    );
  }
  const keys = await foreignKeys(client, shape);
  for (const { keyFound, keyAfter } of steps)
    await refuseDeeper(client, shape, keys, [keyFound ?? [], keyAfter]);
  for (const soft of spec.softReferences) await findSoftReference(client, spec, soft);
}

/** Journals the row, moves its references and deletes it. @returns how many references were moved */
async function mergeRow(run: ForwardRun, step: ForwardStep): Promise<number> {
  const { client, shape, spec, runId } = run;
  const { table } = spec;
  const found = step.keyFound ?? [];
  const columns = [...shape.columns.keys()];
  const rows = await client.query<{
    key: KeyValues;
    row: Record<string, string | null>;
    config: string;
  }>(
    `select ${keyArray(table.key, "t")} as key, ${columnsAsText(columns, "t")} as row, t.${ident(table.config)}::text as config
       from ${shape.rows} t where ${keyArray(table.key, "t")} in ($1::text[], $2::text[])
        for update of t`,
    [found, step.keyAfter],
  );
  const old = rows.rows.find((row) => keyId(row.key) === keyId(found));
  const survivor = rows.rows.find((row) => keyId(row.key) === keyId(step.keyAfter));
  if (old === undefined || survivor === undefined) {
    throw new EngineError(
      `the rows ${keyName(found)} and ${keyName(step.keyAfter)} were not both there`,
    );
  }
  const journal = step.action === "late" ? undefined : runId;
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
       before_config, before_row)
     values ($1, 'row', $2, $3, $3, $4, $5, $6, $7, $8)`,
    [
      runId,
      step.action,
      found,
      step.keyAfter,
      table.id === undefined ? null : old.row[table.id],
      shape.configType,
      old.config,
      JSON.stringify(old.row),
    ],
  );
  const move = { from: old.row, to: survivor.row };
  let moved = await moveReferences(client, await foreignKeys(client, shape), move, journal);
  moved += await moveSoftReferences(client, spec, move, journal);
  const gone = await client.query(
    `delete from ${shape.name} t where ${keyArray(table.key, "t")} = $1::text[] and ${inScope(table, "t")}`,
    [found],
  );
  if (gone.rowCount !== 1) throw writesBlocked(shape, "removed", gone.rowCount ?? 0, 1);
  return moved;
}

/** Plan of the undo: the row is inserted again, unless somebody made one with its key. */
function planUnmerge(
  { rows }: UndoInput,
  entry: RowEntry,
  { steps, changes, warnings }: UndoDraft,
): void {
  const key = entry.keyBefore ?? [];
  if (rows.has(keyId(key))) {
    warnings.push(
      `The row ${keyName(key)} was inserted again since the cutover and stays as it is.`,
    );
    return;
  }
  const before = parseDocument(key, entry.beforeConfig);
  steps.push({ action: "insert", entry, keyFound: key, mode: "exact", path: before?.path ?? [] });
  changes.push({
    key: keyName(key),
    action: "restore",
    ...(before === undefined ? {} : { to: describe(before.content) }),
    also: ["is inserted again with its references"],
  });
}

/** Undo: inserts the row again, every column as it was. Its references follow: `undo-references.ts`. */
async function unmergeRow(run: UndoRun, { entry, path, json }: UndoStep): Promise<void> {
  const { client, shape, runId } = run;
  const row = entry.beforeRow ?? {};
  const written = [...shape.columns].filter(([name, { generated }]) => !generated && name in row);
  const values = written.map(([name, { type }]) =>
    name === shape.spec.config
      ? `$2::text::${shape.configType}`
      : `($1::jsonb ->> ${literal(name)})::${type}`,
  );
  const config = await configText(run, { entry, path, ...(json === undefined ? {} : { json }) });
  const made = await client.query(
    `insert into ${shape.name} (${written.map(([name]) => ident(name)).join(", ")}) overriding system value
     values (${values.join(", ")})`,
    [JSON.stringify(row), config],
  );
  if (made.rowCount !== 1) throw writesBlocked(shape, "inserted again", made.rowCount ?? 0, 1);
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_after, row_id, config_type, after_config, after_columns)
     select $1, 'row', 'inserted', ${keyArray(shape.spec.key, "t")}, $2, $3, t.${ident(shape.spec.config)}::text, '{}'
       from ${shape.rows} t where ${keyArray(shape.spec.key, "t")} = $4::text[]`,
    [runId, entry.rowId, shape.configType, entry.keyBefore],
  );
}

/** The document in the form of the column's type of today. */
async function configText(
  { client, shape }: UndoRun,
  { entry, path, json }: Pick<UndoStep, "entry" | "path" | "json">,
): Promise<string | null> {
  if (entry.configType === shape.configType || shape.configType === "text")
    return entry.beforeConfig;
  if (json !== undefined || path.length === 0) return json ?? entry.beforeConfig;
  const inner = await client.query<{ text: string }>(
    "select ($1::json #> $2::text[])::text as text",
    [entry.beforeConfig, path],
  );
  return inner.rows[0]?.text ?? null;
}
