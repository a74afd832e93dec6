import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { boundProblem, conversionProblem } from "../decide/conversion";
import { longestDocument, parseDocument } from "../decide/document";
import { keyId, keyName, keySet, type KeyValues } from "../decide/keys";
import { entryColumns, namedKeys, rulesOf } from "../decide/layout";
import { isOwn, type StoredRow } from "../decide/rows";
import type { CutoverSpec } from "../decide/spec";
import { inBatches } from "./cursor";
import { maybeDeepSql } from "./documents-sql";
import { ident, isAmong, keyArray, literal } from "./identifiers";
import { isOwnSql, storedColumns } from "./rows";
import type { TableShape } from "./table";

/**
 * Checks every row's document. A single bad one, even of a user's own server, makes the application fail when it
 * converts the column.
 * @throws UserError that lists the rows by key
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
      `Documents in ${schema}.${table} are too large: ${listedKeys(beyond)}.`,
      "Make them smaller, or list their keys in [cutover.skip] to leave them alone.",
    );
  }
  if (bad.length === 0) return;
  throw new UserError(
    `The application fails at rows of ${schema}.${table} when it converts the column: ${listedKeys(bad)}.`,
    "Repair or delete them, or list their keys in [cutover.skip] if your release of the application leaves the column as it is.",
  );
}

interface BadDocument {
  readonly key: KeyValues;
  /** Absent when it is no document at all. */
  readonly problem?: string;
  /** Whether it is too large to be read. */
  readonly bound?: true;
}

function listedKeys(bad: readonly BadDocument[]): string {
  const names = bad.map(({ key, problem }) =>
    problem === undefined ? keyName(key) : `${keyName(key)} (${problem})`,
  );
  const more = names.length > 20 ? ` and ${names.length - 20} more` : "";
  return names.slice(0, 20).join(", ") + more;
}

/** JSON that the application may be unable to convert: `conversionProblem` decides. */
export const suspect = "\\\\u(0000|[dD][89a-fA-F])|[0-9][eE][+]?[0-9]{3}|[0-9]{250}";

/** The first thousand rows that are no document, or that stay and cannot be converted. SQL selects the candidates. */
async function badDocuments(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
): Promise<BadDocument[]> {
  const { table } = spec;
  const config = `t.${ident(table.config)}`;
  const skip = keySet(spec.skip);
  // In a table of users' own rows there is no such conversion.
  const converts = shape.configType === "text" && rulesOf(table).converted;
  const rewritten = keySet(namedKeys(spec));
  const test = {
    text: shape.hasIsJson
      ? `case when ${maybeDeepSql(config)} then true else ${config} is json object is not true end or ${String(converts)} and ${config} ~ ${literal(suspect)}`
      : "true",
    json: `json_typeof(${config}) is distinct from 'object'`,
    jsonb: `jsonb_typeof(${config}) is distinct from 'object'`,
  }[shape.configType];
  // Most rows are short and need no cast to text. The limit is low because long documents are compressed.
  const looked = `(${isOwnSql(spec)} or ${isAmong(keyArray(entryColumns(table), "t"), "$1::jsonb")})`;
  const large = `case when pg_column_size(${config}) > 100 then (length(${config}::text) > ${longestDocument}
    or ${maybeDeepSql(`${config}::text`)}) and (${String(shape.configType === "text")} or ${looked}) else false end`;
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
