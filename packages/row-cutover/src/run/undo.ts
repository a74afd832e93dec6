import { UserError } from "@mcp-fleet/errors";

import { keyName } from "../decide/keys";
import { listed } from "../decide/refusals";
import { referencesTo } from "../merge/references";
import { undoReferences } from "../merge/undo-references";
import { assertTouched, finishDeferred, fixOf, heldBack } from "../postgres/assertions";
import { ident, keyArray, literal, qualified, sameKey } from "../postgres/identifiers";
import { columnOf, columnsAsText, inScope } from "../postgres/table";
import type { UndoPlan, UndoServers, UndoStep } from "../restore/plan";
import { restoreServers, restoreSteps, type UndoRun } from "../restore/write";
import type { RowChange } from "../spec";
import { countEntries, readReferenceEntries } from "../store/journal";
import { checkReadableReferences } from "./action-rights";
import type { Applied } from "./forward";

/** Writes everything of an undo. */
export async function applyUndo(run: UndoRun, plan: UndoPlan): Promise<Applied> {
  const { client, shape } = run;
  const warnings: string[] = [];
  const of = (...actions: UndoStep["action"][]): UndoStep[] =>
    plan.steps.filter((step) => actions.includes(step.action));
  const { columns } = plan;
  for (const name of columns) columnOf(shape, name);
  const held = of("restore", "unchanged");
  for (let at = 0; at < held.length; at += batch)
    await restoreSteps(run, held.slice(at, at + batch), columns);
  if (plan.servers !== undefined) await restoreServers(run, plan.servers, columns);
  const restored = of("restore").length + restoredOf(plan.servers);
  for (const step of of("insert")) await insertAgain(run, step);
  const references = await undoReferences(
    client,
    run.spec.table,
    await readReferenceEntries(client, run.undone),
  );
  warnings.push(...references.warnings);
  let removed = 0;
  for (const step of of("remove")) {
    if (await removeSeed(run, step)) removed += 1;
    else {
      warnings.push(
        `The row ${keyName(step.keyFound)}, which the cutover made, is referenced by other rows now and stays.`,
      );
    }
  }
  const inserted = of("insert").length;
  const [, , , , journalRows] = await Promise.all([
    finishDeferred(client),
    // The planner knows nothing of the new entries yet, and would read the table once for each.
    client.query("set local enable_nestloop = off"),
    assertRestored(run, restored, columns),
    assertTouched(client, shape, {
      written: restored + inserted,
      rows: run.rows + inserted - removed,
    }),
    countEntries(client, run.runId),
  ]);
  const counts: Record<string, number> = {};
  const changed = (wanted: RowChange["action"]): number =>
    plan.changes.reduce((sum, { action, count = 1 }) => sum + (action === wanted ? count : 0), 0);
  const add = (name: string, count: number): void => {
    if (count > 0) counts[name] = count;
  };
  add("restore", restored);
  add("insert", inserted);
  add("remove", removed);
  add("unchanged", changed("unchanged"));
  add("keep", changed("keep"));
  add("references", references.restored);
  return { counts, journalRows, warnings };
}

/** Steps in one statement. */
const batch = 2000;

function restoredOf(servers: UndoServers | undefined): number {
  return servers === undefined ? 0 : servers.written + servers.restore;
}

/** Inserts a row that was merged into another one, every column as it was. */
async function insertAgain(run: UndoRun, { entry, path, json }: UndoStep): Promise<void> {
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
  if (made.rowCount !== 1) throw heldBack(shape, "inserted again", made.rowCount ?? 0, 1);
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_after, row_id, config_type, after_config, after_columns)
     select $1, 'row', 'inserted', ${keyArray(shape.spec.key, "t")}, $2, $3, t.${ident(shape.spec.config)}::text, '{}'
       from ${shape.rows} t where ${keyArray(shape.spec.key, "t")} = $4::text[]`,
    [runId, entry.rowId, shape.configType, entry.keyBefore],
  );
}

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

/** @returns whether it could go: a row that others refer to by now stays */
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
  if (gone.rowCount !== 1) throw heldBack(shape, "removed", gone.rowCount ?? 0, 1);
  return true;
}

/** Reads the rows back and compares them with the journal. */
async function assertRestored(
  { client, shape, runId }: UndoRun,
  restored: number,
  columns: readonly string[],
): Promise<void> {
  // The time is left out: that of a row which a trigger stamps is the trigger's.
  const others = columns
    .filter((name) => name !== shape.spec.updatedAt)
    .map(
      (name) =>
        `or j.after_columns ? ${literal(name)} and t.${ident(name)}::text is distinct from j.after_columns ->> ${literal(name)}`,
    );
  const found = await client.query<{ key: string[] }>(
    `select j.key_after as key from mcp_cutover.journal j
       left join ${shape.rows} t on ${sameKey(shape.spec.key, "t", "j.key_after")}
      where j.run_id = $1 and j.kind = 'row' and j.action = 'restore'
        and (t.${ident(shape.spec.config)}::text is distinct from j.after_config ${others.join(" ")}) limit 1000`,
    [runId],
  );
  const keys = found.rows.map(({ key }) => keyName(key));
  if (keys.length === 0) return;
  throw new UserError(
    `${keys.length} of ${restored} rows did not become what was restored (${listed(keys)}): a trigger or rule of the table changed them; nothing was committed.`,
    fixOf(shape),
  );
}
