import { keyOf } from "../decide/keys";
import type { CutoverSpec } from "../decide/spec";
import {
  differingColumnsSql,
  isEmbeddedSql,
  isPlainSql,
  isTargetSql,
  looksSecretSql,
  plainContentSql,
  specColumns,
  specRecord,
} from "../postgres/documents-sql";
import { ident, literal } from "../postgres/identifiers";
import { isOwnSql, serverColumnSql } from "../postgres/rows";
import { inScope, type TableShape } from "../postgres/table";

/** Rows in the sample that all others are compared with. */
const sampledRows = 500;

/**
 * One line for each combination of server, state, keys and variables. A variable is its name and the kind of its value:
 * `=` empty, `/` a path, `*` anything else.
 *
 * Listing the names of every row would be most of the work, and nearly all rows of a server have the same names. So the
 * names of a few rows are listed, and the others are compared with them: a row with exactly those names, and no variable
 * whose value matters, is grouped under null, and gets the names at the end.
 * @param tableRows about how many rows the table has
 */
export function groupQuery(
  spec: CutoverSpec,
  shape: TableShape,
  tableRows: number,
): { readonly text: string; readonly values: readonly string[] } {
  const content = plainContentSql(shape);
  const env = `case when jsonb_typeof(${content} -> 'env') = 'object' then ${content} -> 'env' end`;
  const records = spec.rows.map((row, n) => ({ n, server: keyOf(row.key)[0], ...specRecord(row) }));
  const percent = Math.min(100, (100 * sampledRows) / Math.max(1, tableRows));
  const text = `with usual as materialized (
      select distinct on (server) server, array(select jsonb_object_keys(content)) as keys,
        array(select jsonb_object_keys(env)) as variables, array(select jsonb_object_keys(env) || '*') as env,
        exists (select from jsonb_object_keys(env) name where ${looksSecretSql("name")}) as secret
      from (
        select ${serverColumnSql(spec)} as server, ${content} as content, ${env} as env
          from ${shape.name} t tablesample system (${percent}) repeatable (1) where ${isOwnSql(spec)} and ${inScope(spec.table, "t")}
      ) sample where content is not null order by server
    )
    select n, own, plain, match, there, embedded, differs, coalesce(forms.keys, usual.keys) as keys,
      coalesce(forms.env, usual.env) as env, count, bytes, part, tid
    from (
      select n, own, plain, match, there, embedded, differs, keys, env, count(*)::text as count,
        sum(pg_column_size(config))::text as bytes, part::text as part, min(tid)::text as tid
      from (
        select n, own, plain, match, there, embedded, differs, config, part, tid,
          case when there then '{}' when content ?& usual_keys and content - usual_keys = '{}' then null
            else array(select jsonb_object_keys(content)) end as keys,
          case when there then '{}' when not usual_secret and env ?& usual_variables and env - usual_variables = '{}' then null
            when env::text like any (array['%": "/%', '%": ""%']) then array(
              select e.key || case when e.value = '""' then '=' when e.value::text like '"/%' then '/' else '*' end
                from jsonb_each(env) e)
            -- Most rows: their values are not looked at one by one.
            else array(select jsonb_object_keys(env) || '*') end as env
        from (
          select d.n, ${isOwnSql(spec)} as own, ${isPlainSql(shape)} as plain, ${serverColumnSql(spec)} as match,
            ${isTargetSql(spec, content)} as there, ${isEmbeddedSql(content)} as embedded, ${differingColumnsSql(spec)} as differs,
            ${content} as content, ${env} as env, d.usual_keys, d.usual_variables, d.usual_secret,
            t.${ident(shape.spec.config)} as config, t.tableoid as part, t.ctid as tid
          from ${shape.rows} t
          left join (
            select d.*, usual.keys as usual_keys, usual.variables as usual_variables, usual.secret as usual_secret
              from jsonb_to_recordset($1::jsonb) as d(n int, server text, ${specColumns})
              left join usual on usual.server = d.server
          ) d on d.server = ${serverColumnSql(spec)}
          where (d.n is not null ${spec.table.type === undefined ? "" : `or ${isOwnSql(spec)}`})
            and ${serverColumnSql(spec)} not in (select jsonb_array_elements_text(${literal(JSON.stringify(spec.skip.flat()))}::jsonb))
          -- Keeps what is made of a document from being made again at each mention.
          offset 0
        ) rows
      ) forms group by n, own, plain, match, there, embedded, differs, keys, env, part
    ) forms left join usual on usual.server = forms.match`;
  // Parameters, since headers are secret and a statement's text can appear in the server's log and pg_stat_statements.
  return { text, values: [JSON.stringify(records)] };
}
