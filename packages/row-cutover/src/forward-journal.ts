import type { ForwardRun } from "./forward";
import { ident, keyArray, literal } from "./identifiers";
import type { ForwardStep } from "./plan-forward";
import { columnOf, columnsAsText, setColumns, type TableShape } from "./table";
import { stdioKeys, targetJson } from "./target-document";

/** Writes before- and after-images in one statement, computed by the database from the rows as they are. */
export async function journalRows(run: ForwardRun, steps: readonly ForwardStep[]): Promise<void> {
  if (steps.length === 0) return;
  const { client, shape, spec, runId } = run;
  const { table } = spec;
  const columns = setColumns(spec);
  const updated = table.updatedAt === undefined ? [] : [table.updatedAt];
  const before = columnsAsText([...columns, ...updated], "t");
  const after = columns.map((name) => {
    const value = `case when d.set_values ? ${literal(name)} then (d.set_values ->> ${literal(name)})::${columnOf(shape, name).type}::text else t.${ident(name)}::text end`;
    return `${literal(name)}, ${value}`;
  });
  const afterTime = updated.map(
    (name) =>
      `${literal(name)}, case when d.action = 'rewrite' then now()::${columnOf(shape, name).type}::text else t.${ident(name)}::text end`,
  );
  const written = `(select coalesce(jsonb_object_agg(e.key, e.value), '{}') from jsonb_each(COLUMNS) e where d.set_values ? e.key or e.key = any(d.always))`;
  await client.query(
    `insert into mcp_cutover.journal (run_id, kind, action, key_found, key_before, key_after, row_id, config_type,
       before_config, after_config, before_columns, after_columns)
     select $1::uuid, 'row', coalesce(d.journal_action, d.action), d.key_found, coalesce(p.key_before, d.key_found), d.key_after,
            ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`},
            case when p.entry is null then $2 else p.config_type end,
            case when p.entry is null then t.${ident(table.config)}::text else p.before_config end,
            case when d.action = 'unchanged' then t.${ident(table.config)}::text
                 else (${afterDocument(shape)})::${shape.configType}::text end,
            ${written.replace("COLUMNS", before)} || coalesce(p.before_columns, '{}'),
            ${written.replace("COLUMNS", `jsonb_build_object(${[...after, ...afterTime].join(", ")})`)}
       from jsonb_to_recordset($3::jsonb) as d(action text, journal_action text, key_found text[], key_after text[],
              ours text, keep text[], keep_all boolean, path text[], json text, set_values jsonb, always text[], carried bigint)
       join ${shape.name} t on ${keyArray(table.key, "t")} = d.key_found
       left join mcp_cutover.journal p on p.run_id = $4::uuid and p.entry = d.carried
      order by d.key_after`,
    [
      runId,
      shape.configType,
      JSON.stringify(steps.map((step) => recordOf(step, updated))),
      run.previous?.runId ?? null,
    ],
  );
}

function recordOf(step: ForwardStep, always: readonly string[]): object {
  const { spec } = step;
  // Undoing a row that we made means removing it, also when a later generation rewrote it.
  const action =
    step.carried?.action === "seed"
      ? "seed"
      : step.carried?.action === "rewrite"
        ? "rewrite"
        : undefined;
  return {
    action: step.action,
    journal_action: action ?? null,
    key_found: step.keyFound,
    key_after: step.keyAfter,
    ours: targetJson(spec),
    keep: spec.keep === "all" ? [] : (spec.keep ?? []),
    keep_all: spec.keep === "all",
    path: step.path,
    json: step.json ?? null,
    set_values: spec.set ?? {},
    always,
    carried: step.carried?.entry ?? null,
  };
}

/**
 * The new document in SQL: ours, then what is kept of the old one. `json` keeps the text of each kept value, and
 * so big numbers, order and repeated keys; `jsonb` keeps numbers.
 */
function afterDocument(shape: TableShape): string {
  const config = `t.${ident(shape.spec.config)}`;
  const ours = literalArray(["url", "transport", "headers"]);
  const stdio = literalArray(stdioKeys);
  const kept = `(e.key <> all(${ours}) and (d.keep_all and e.key <> all(${stdio}) or e.key = any(d.keep)))`;
  const source = `case when d.json is not null then d.json::json
    when cardinality(d.path) > 0 then ${config}::json #> d.path else ${config}::json end`;
  return `case when not d.keep_all and cardinality(d.keep) = 0 then d.ours
    else left(d.ours, -1) || coalesce((select string_agg(',' || to_json(e.key)::text || ':' || e.value::text, '')
      from json_each(${source}) e where ${kept}), '') || '}' end`;
}

function literalArray(values: readonly string[]): string {
  return `array[${values.map((value) => literal(value)).join(", ")}]::text[]`;
}
