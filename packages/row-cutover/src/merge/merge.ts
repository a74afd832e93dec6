import { keyId, keyName, type KeyValues } from "../decide/keys";
import { heldBack } from "../postgres/assertions";
import { EngineError } from "../postgres/errors";
import { ident, keyArray } from "../postgres/identifiers";
import { columnsAsText, inScope } from "../postgres/table";
import type { ForwardRun } from "../run/forward";
import type { ForwardStep } from "../run/plan-forward";
import { foreignKeys, moveReferences } from "./references";
import { moveSoftReferences } from "./soft-references";

/** Moves what refers to an older row of the same server to the one that stays, and deletes the older one. */
export async function mergeRow(run: ForwardRun, step: ForwardStep): Promise<number> {
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
  if (gone.rowCount !== 1) throw heldBack(shape, "removed", gone.rowCount ?? 0, 1);
  return moved;
}
