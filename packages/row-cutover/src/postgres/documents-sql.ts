import { ownsUrl, pathPattern, placeOf } from "../decide/application-owned";
import { secretName } from "../decide/credentials";
import { deepestDocument } from "../decide/document";
import { setColumns } from "../decide/layout";
import type { CutoverSpec, RowSpec } from "../decide/spec";
import { keptNames, stdioKeys, targetJson } from "../decide/target-document";
import { columnOf } from "./columns";
import { ident, literal } from "./identifiers";
import type { TableShape } from "./table";

/**
 * SQL about a row `t` and its entry `d` of the configuration. `d` has the columns of {@link specColumns}. A rule that
 * TypeScript has too has the same name there, without `Sql`; a property test compares the two.
 */
export const specColumns =
  "ours text, target jsonb, owned text, keep text[], keep_all boolean, set_values jsonb, path text[], json text";

const keepsNothing = "not d.keep_all and cardinality(d.keep) = 0";

/** The columns of `d` that come from the configuration. */
export function specRecord(row: RowSpec): object {
  const ours = targetJson(row);
  return {
    ours,
    // The same as a value, since a cast of the text would be repeated for each row.
    target: JSON.parse(ours) as unknown,
    // The start of a URL whose path the application may change.
    owned: ownsUrl(row) ? placeOf(row.url) : null,
    keep: row.keep === "all" ? [] : keptNames(row),
    keep_all: row.keep === "all",
    set_values: row.set ?? {},
    path: [],
    json: null,
  };
}

/**
 * Whether SQL can read the document: a JSON object that is not wrapped, without escapes and without anything that
 * `jsonb` cannot hold. All others are read in JavaScript.
 */
export function isPlainSql({ spec, configType, hasIsJson }: TableShape): string {
  const config = `t.${ident(spec.config)}`;
  if (configType === "jsonb") {
    return `(jsonb_typeof(${config}) = 'object' and jsonb_typeof(${config} -> 'mcp_servers') is distinct from 'object')`;
  }
  if (configType === "text" && !hasIsJson) return "false";
  const json =
    configType === "text"
      ? `case when ${maybeDeepSql(config)} then false else ${config} is json object end`
      : `json_typeof(${config}) = 'object'`;
  return `coalesce(length(${config}::text) < 100000 and ${config}::text !~ '\\\\u|mcp_servers|[0-9][eE][+-]?[0-9]{3}' and ${json}, false)`;
}

/**
 * Whether a text may be nested too deep: `isDeeper` decides. The server's own parser fails only at much deeper ones.
 */
export function maybeDeepSql(text: string): string {
  return `length(${text}) - length(translate(${text}, '[{', '')) > ${deepestDocument}`;
}

/** The document as `jsonb`; null where SQL cannot read it. */
export function plainContentSql(shape: TableShape): string {
  const config = `t.${ident(shape.spec.config)}`;
  return shape.configType === "jsonb"
    ? config
    : `case when ${isPlainSql(shape)} then ${config}::jsonb end`;
}

/** `isTarget`: whether a document already is the target of the entry. */
export function isTargetSql(spec: CutoverSpec, content: string): string {
  const exact = isExactlyThere(content, "d.target");
  if (!spec.rows.some(ownsUrl)) return exact;
  const url = `(${content} ->> 'url')`;
  const owned = `d.owned is not null and jsonb_typeof(${content} -> 'url') = 'string' and starts_with(${url}, d.owned)
      and substr(${url}, length(d.owned) + 1) ~ ${literal(pathPattern)}`;
  const ours = `jsonb_set(d.target, '{url}', ${content} -> 'url')`;
  return `case when coalesce(${owned}, false) then ${isExactlyThere(content, ours)} else ${exact} end`;
}

function isExactlyThere(content: string, ours: string): string {
  // Most rows are decided by the first comparisons: equal, or another URL.
  return `case when ${content} = ${ours} then true when coalesce(${content} -> 'url' = ${ours} -> 'url', false) then coalesce(
      case when d.keep_all
        then ${content} -> 'transport' = ${ours} -> 'transport' and not ${content} ?| ${textArray(stdioKeys)}
        else ${content} - d.keep - 'headers' = ${ours} - 'headers' end
      and (${content} -> 'headers' is null or ${content} -> 'headers' = ${ours} -> 'headers'), false)
    else false end`;
}

/** `isEmbedded`: whether a document starts a process. */
export function isEmbeddedSql(content: string): string {
  return `coalesce(${content} ? 'command' and not ${content} ? 'url', false)`;
}

/** The `set` columns of a row whose values differ from the entry's. */
export function differingColumnsSql(spec: CutoverSpec): string {
  const names = setColumns(spec).map(
    (name) =>
      `case when d.set_values ? ${literal(name)} and t.${ident(name)}::text is distinct from d.set_values ->> ${literal(name)} then ${literal(name)} end`,
  );
  return names.length === 0
    ? "'{}'::text[]"
    : `array_remove(array[${names.join(", ")}]::text[], null)`;
}

/** Whether a row is stored as it was written. Text and `json` begin with our text; `jsonb` is compared by value. */
export function isWrittenSql({ spec, configType }: TableShape): string {
  const config = `t.${ident(spec.config)}`;
  const text = `case when ${keepsNothing} then ${config}::text = d.ours
    else starts_with(${config}::text, left(d.ours, -1)) end`;
  const value = `case when d.keep_all then ${config} @> d.target and not ${config} ?| ${textArray(stdioKeys)}
    else ${config} - d.keep = d.target end`;
  return `coalesce(${configType === "jsonb" ? value : text}, false)`;
}

/** The new document in the column's type. */
export function afterDocumentSql(shape: TableShape): string {
  const { configType } = shape;
  return configType === "jsonb"
    ? `case when ${keepsNothing} then d.target else (${keepingDocument(shape)})::jsonb end`
    : `(case when ${keepsNothing} then d.ours else ${keepingDocument(shape)} end)::${configType}`;
}

/** The new document as text. `d` needs `target_text` too. */
export function afterTextSql(shape: TableShape): string {
  return shape.configType === "jsonb"
    ? `case when ${keepsNothing} then d.target_text else (${keepingDocument(shape)})::jsonb::text end`
    : `(${afterDocumentSql(shape)})::text`;
}

/**
 * Our keys, then the kept keys of the old document. `json` keeps the text of each kept value, and so big numbers, order
 * and repeated keys; `jsonb` keeps numbers.
 */
function keepingDocument(shape: TableShape): string {
  const config = `t.${ident(shape.spec.config)}`;
  const ours = textArray(["url", "transport", "headers"]);
  const kept = `(e.key <> all(${ours}) and (d.keep_all and e.key <> all(${textArray(stdioKeys)}) or e.key = any(d.keep)))`;
  const source = `case when d.json is not null then d.json::json
    when cardinality(d.path) > 0 then ${config}::json #> d.path else ${config}::json end`;
  return `left(d.ours, -1) || coalesce((select string_agg(',' || to_json(e.key)::text || ':' || e.value::text, '')
      from json_each(${source}) e where ${kept}), '') || '}'`;
}

/** A `set` column's new value. */
export function afterColumnSql(shape: TableShape, name: string): string {
  return `case when d.set_values ? ${literal(name)} then (d.set_values ->> ${literal(name)})::${columnOf(shape, name).type} else t.${ident(name)} end`;
}

export function textArray(values: readonly string[]): string {
  return `array[${values.map((value) => literal(value)).join(", ")}]::text[]`;
}

/** `looksSecret` in SQL. */
export function looksSecretSql(name: string): string {
  return `${name} ~* ${literal(secretName)}`;
}

const tellingText =
  'token|secret|passw|passphrase|api[-_]?key|private[-_]?key|access[-_]?key|credential|(^|[^a-z0-9])(pat|pwd|auth|key)|authorization|cookie|://[^/@"]*:[^/@"]+@';

/**
 * Whether a document may contain a credential outside of an `env` object. False positives are possible, false
 * negatives are not: it covers every document in which `credentialsOf` finds one.
 * @param ours whether an earlier run wrote the headers of documents that start no process
 */
export function mayHoldCredentialsSql(content: string, ours: boolean): string {
  const looked = ours ? `(${content} - 'headers')` : content;
  const other = `${looked}::text ~* ${literal(tellingText)}`;
  return `case when ${content} ? 'command'
    then coalesce(jsonb_typeof(${content} -> 'env') = 'array' or (${content} - 'env')::text ~* ${literal(tellingText)}
      or ${content} ->> 'env' ~ '://[^/@"]*:[^/@"]+@', false)
    else coalesce(${other}, false) end`;
}
