import { targetJson } from "../decide/target-document";
import { heldBack } from "../postgres/assertions";
import { ident, keyArray } from "../postgres/identifiers";
import { columnOf, columnsAsText, type TableShape, timeNow } from "../postgres/table";
import type { ForwardRun } from "../run/forward";
import type { ForwardStep } from "../run/plan-forward";

/** Inserts a row that is missing, in the new form, with the column values of its seed. */
export async function seedRow(run: ForwardRun, step: ForwardStep): Promise<void> {
  const { client, shape, spec, runId } = run;
  const { table } = spec;
  const { seed, set } = step.spec;
  const values: Record<string, string | null> = {
    ...(table.updatedAt === undefined ? {} : { [table.updatedAt]: null }),
    // A row that is made is one that the cutover knows.
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
  if (made.rowCount !== 1) throw heldBack(shape, "made", made.rowCount ?? 0, 1);
  const owned = Object.keys(set ?? {});
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_after, row_id, config_type, after_config, after_columns)
     select $1, 'row', 'seed', ${keyArray(table.key, "t")}, ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`},
            $2, t.${ident(table.config)}::text, ${columnsAsText(owned, "t")}
       from ${shape.rows} t where ${keyArray(table.key, "t")} = $3::text[]`,
    [runId, shape.configType, step.keyAfter],
  );
}

/** A value of a row that is made: what was given as text, or the time. */
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
