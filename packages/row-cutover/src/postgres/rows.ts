import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { boundProblem, conversionProblem } from "../decide/conversion";
import { longestDocument, parseDocument } from "../decide/document";
import { keyId, keyName, keyOf, keySet, type KeyValues } from "../decide/keys";
import type { CutoverSpec } from "../spec";
import { maybeDeep } from "./documents-sql";
import { ident, keyArray, literal } from "./identifiers";
import { columnsAsText, matchColumns, type TableShape } from "./table";

/** One row of the table as text. The document may hold credentials: for comparing, never for showing. */
export interface StoredRow {
  readonly key: KeyValues;
  /** The value that the configuration's keys are compared with: the key itself unless `match` is configured. */
  readonly match: KeyValues;
  /** Where the row version is, for as long as nobody can write the table. */
  readonly at: RowPlace;
  readonly id: string | null;
  readonly type: string | null;
  readonly config: string | null;
  /** The `set` columns and `updatedAt`, as text. */
  readonly columns: Readonly<Record<string, string | null>>;
}

/** A row version's place: good for joins while the table is locked or not changed. */
export interface RowPlace {
  readonly part: string;
  readonly tid: string;
}

const defaultMaxRows = 100_000;
/** Rows in memory at once where a whole table is read: fewer where they are large. */
export const scanBatch = 2000;
const firstBatch = 200;
/** Characters in memory at once, about. */
const batchCharacters = 16 * 1024 * 1024;

/** A `StoredRow` of a row `t`. */
export function storedColumns(
  spec: CutoverSpec,
  shape: TableShape,
  columns: readonly string[],
): string {
  const { table } = spec;
  const type = table.type === undefined ? "null" : `t.${ident(table.type.column)}::text`;
  return `${keyArray(table.key, "t")} as key, ${keyArray(matchColumns(table), "t")} as match,
    jsonb_build_object('part', t.tableoid::text, 'tid', t.ctid::text) as at,
    ${table.id === undefined ? "null" : `t.${ident(table.id)}::text`} as id, ${type} as type,
    left(t.${ident(shape.spec.config)}::text, ${readCharacters}) as config, ${columnsAsText(columns, "t")} as columns`;
}

/** What is read of a document: a little more than the longest, to which a run adds a URL and headers. */
const readCharacters = longestDocument + 65_536;

/** Whether a row `t` is the application's own, in SQL. */
export function ownRow({ table }: CutoverSpec): string {
  return table.type === undefined
    ? "true"
    : `t.${ident(table.type.column)}::text = ${literal(table.type.value)}`;
}

/** Whether a row `t` has one of `keys`, in SQL. */
export function hasOneOf({ table }: CutoverSpec, keys: readonly KeyValues[]): string {
  return `${keyArray(table.key, "t")} in (
    select array(select jsonb_array_elements_text(k.v)) from jsonb_array_elements(${literal(JSON.stringify(keys))}::jsonb) as k(v))`;
}

/** Refuses above the configured number of rows, before anything is locked. */
export function checkSize(spec: CutoverSpec, rows: number): void {
  const limit = spec.maxRows ?? defaultMaxRows;
  if (rows <= limit) return;
  throw new UserError(
    `The table has more than ${limit} rows that the cutover would look at.`,
    "Raise [cutover.maxRows] once you know how long their locks may be held.",
  );
}

/** Reads any number of rows, a batch at a time. */
export async function* inBatches<T extends object>(
  client: Client,
  query: string,
  values: readonly string[] = [],
): AsyncGenerator<T[]> {
  const cursor = `mcp_cutover_${(cursors += 1)}`;
  await client.query(`declare ${cursor} no scroll cursor for ${query}`, [...values]);
  for (let count = firstBatch; ;) {
    const { rows } = await client.query<T>(`fetch ${count} from ${cursor}`);
    if (rows.length > 0) yield rows;
    if (rows.length < count) break;
    const size = rows.reduce((sum, row) => sum + sizeOf(row), 0) / count;
    count = Math.max(1, Math.min(scanBatch, count * 4, Math.floor(batchCharacters / size)));
  }
  await client.query(`close ${cursor}`);
}

/** Characters of a row's texts, and of those in its objects. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + sizeOf(inner), 1);
}

let cursors = 0;

/**
 * The application's own rows and every row with one of `keys`, in key order.
 * @throws UserError above the configured number of rows, or when a key occurs twice
 */
export async function readRows(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  options: { readonly keys: readonly KeyValues[]; readonly columns: readonly string[] },
): Promise<Map<string, StoredRow>> {
  const { table } = spec;
  const limit = spec.maxRows ?? defaultMaxRows;
  const own = table.type === undefined ? "" : `${ownRow(spec)} or`;
  const order = table.key.map((column) => `t.${ident(column)}`).join(", ");
  const found = await client.query<StoredRow>(
    `select ${storedColumns(spec, shape, options.columns)}
       from ${shape.rows} t
      where ${own} ${hasOneOf(spec, options.keys)}
      order by ${order} limit $1`,
    [limit + 1],
  );
  checkSize(spec, found.rows.length);
  const rows = new Map<string, StoredRow>();
  for (const row of found.rows) {
    const id = keyId(row.key);
    if (rows.has(id)) {
      throw new UserError(
        `The key ${keyName(row.key)} occurs twice in ${table.schema}.${table.table}.`,
        "Name columns in [cutover.table.key] that identify a row, or one in [cutover.table.match] where a server has many rows.",
      );
    }
    rows.set(id, row);
  }
  return rows;
}

/** Whether a row is the application's own. Without a type column every row of the spec is. */
export function isOwn(spec: CutoverSpec, row: Pick<StoredRow, "type">): boolean {
  return spec.table.type === undefined || row.type === spec.table.type.value;
}

/**
 * Refuses when any row is not a document: a single one, even of a user's own server, stops the application when
 * it converts the column.
 */
export async function checkDocuments(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
): Promise<void> {
  const bad = await badDocuments(client, spec, shape);
  const { schema, table } = spec.table;
  const malformed = bad.filter(({ problem }) => problem === undefined);
  if (malformed.length > 0) {
    const one = malformed.length === 1;
    const form = shape.configType === "text" ? "a JSON object nor TOML" : "a JSON object";
    throw new UserError(
      `${one ? "The document of the row" : "The documents of the rows"} ${listedKeys(malformed)} in ${schema}.${table} ${one ? "is" : "are"} ${shape.configType === "text" ? "neither" : "not"} ${form}.`,
      "Repair or delete them, or list their keys in [cutover.skip] to leave them alone.",
    );
  }
  const beyond = bad.filter(({ bound }) => bound === true);
  if (beyond.length > 0) {
    throw new UserError(
      `Documents in ${schema}.${table} are beyond what is read: ${listedKeys(beyond)}.`,
      "Make them smaller, or list their keys in [cutover.skip] to leave them alone.",
    );
  }
  if (bad.length === 0) return;
  throw new UserError(
    `The application stops at rows of ${schema}.${table} when it converts the column: ${listedKeys(bad)}.`,
    "Repair or delete them, or list their keys in [cutover.skip] if your release of the application leaves the column as it is.",
  );
}

interface BadDocument {
  readonly key: KeyValues;
  /** Not there where it is no document at all. */
  readonly problem?: string;
  /** Whether nobody looked into it. */
  readonly bound?: true;
}

function listedKeys(bad: readonly BadDocument[]): string {
  const names = bad.map(({ key, problem }) =>
    problem === undefined ? keyName(key) : `${keyName(key)} (${problem})`,
  );
  const more = names.length > 20 ? ` and ${names.length - 20} more` : "";
  return names.slice(0, 20).join(", ") + more;
}

/** What of JSON the application may not convert; JavaScript then looks at it closely. */
const suspect = "\\\\u(0000|[dD][89a-fA-F])|[0-9][eE][+]?[0-9]{3}|[0-9]{250}";

/** Rows that are no document, or that stay and cannot be converted: the first thousand. What SQL can tell is not read here. */
async function badDocuments(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
): Promise<BadDocument[]> {
  const { table } = spec;
  const config = `t.${ident(table.config)}`;
  const skip = keySet(spec.skip);
  // In a table of users' own rows there is no such conversion.
  const converts = shape.configType === "text" && table.match === undefined;
  const rewritten = keySet(namedKeys(spec));
  const test = {
    text: shape.readsJson
      ? `case when ${maybeDeep(config)} then true else ${config} is json object is not true end or ${String(converts)} and ${config} ~ ${literal(suspect)}`
      : "true",
    json: `json_typeof(${config}) is distinct from 'object'`,
    jsonb: `jsonb_typeof(${config}) is distinct from 'object'`,
  }[shape.configType];
  // Short rows are most rows, and need not be made text. Compressed, a long one may be small.
  const looked = `(${ownRow(spec)} or ${keyArray(matchColumns(table), "t")} in (
    select array(select jsonb_array_elements_text(k.v)) from jsonb_array_elements($1::jsonb) as k(v)))`;
  const large = `case when pg_column_size(${config}) > 100 then (length(${config}::text) > ${longestDocument}
    or ${maybeDeep(`${config}::text`)}) and (${String(shape.configType === "text")} or ${looked}) else false end`;
  const bad: BadDocument[] = [];
  const candidates = `select ${storedColumns(spec, shape, [])} from ${shape.rows} t where (${test}) or ${large}`;
  const keys = JSON.stringify(namedKeys(spec));
  for await (const batch of inBatches<StoredRow>(client, candidates, [keys])) {
    for (const row of batch) {
      if (skip.has(keyId(row.match))) continue;
      const bound = boundProblem(row.config ?? "");
      if (bound !== undefined) {
        bad.push({ key: row.key, problem: bound, bound: true });
        continue;
      }
      const stays = !isOwn(spec, row) || !rewritten.has(keyId(row.match));
      const problem = converts && stays ? conversionProblem(row.config ?? "") : undefined;
      if (problem !== undefined) bad.push({ key: row.key, problem });
      else if (parseDocument(row.key, row.config) === undefined) bad.push({ key: row.key });
    }
    if (bad.length >= 1000) break;
  }
  return bad.sort((a, b) => (keyName(a.key) < keyName(b.key) ? -1 : 1));
}

/** Every key the configuration names. */
export function namedKeys(spec: CutoverSpec): KeyValues[] {
  return spec.rows.flatMap((row) => [keyOf(row.key), ...(row.aliases ?? []).map(keyOf)]);
}
