import type { Client } from "pg";

import type { TableSpec } from "../decide/spec";
import { ident, qualified } from "../postgres/identifiers";

/** A table that may contain servers. */
export interface Candidate {
  readonly oid: string;
  readonly schema: string;
  readonly table: string;
  /** The column with the documents. */
  readonly column: string;
}

interface ColumnAbout {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
}

/** A guess at a table's configuration, with its uncertainties. */
export interface ColumnGuess {
  readonly table: TableSpec;
  /** Sentences for the person who decides. */
  readonly doubts: readonly string[];
}

const isText = (type: string): boolean => /^(text|character varying|citext|name)/.test(type);

const isTime = (type: string): boolean => type.startsWith("timestamp");

const isNumber = (type: string): boolean => /^(integer|bigint|numeric|double precision)/.test(type);

/** Values by which applications mark rows of their own. */
const ownValue =
  /^(integrated|system|builtin|built-in|built_in|bundled|managed|default|internal|official)$/i;

/**
 * Guesses a table's configuration from the catalog and from a few distinct values. READ ONLY.
 * @param column with the documents
 */
export async function guessColumns(client: Client, candidate: Candidate): Promise<ColumnGuess> {
  const { oid, schema, table, column } = candidate;
  const [columns, indexes] = await Promise.all([
    client.query<ColumnAbout>(
      `select attname as name, format_type(atttypid, atttypmod) as type, not attnotnull as nullable
         from pg_attribute where attrelid = $1::oid and attnum > 0 and not attisdropped order by attnum`,
      [oid],
    ),
    client.query<{ columns: string[]; primary: boolean }>(
      `select array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality k(num, n)
                      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.num
                     where k.n <= i.indnkeyatts order by k.n) as columns, i.indisprimary as primary
         from pg_index i where i.indrelid = $1::oid and i.indisunique and i.indisvalid
          and i.indpred is null and i.indexprs is null order by i.indisprimary, i.indexrelid`,
      [oid],
    ),
  ]);
  const of = new Map(columns.rows.map((one) => [one.name, one]));
  const doubts: string[] = [];
  const key = keyOf(indexes.rows, of, column, doubts);
  const primary = indexes.rows.find((index) => index.primary)?.columns ?? [];
  const [id] = primary;
  const type = await typeOf(client, candidate, columns.rows, key.key);
  if (type === undefined)
    doubts.push(
      "No column tells the application's own rows from those of its users, so every row counts as its own.",
    );
  const updatedAt = await updatedAtOf(client, candidate, columns.rows);
  const deleted = columns.rows.find(
    (one) => /^(deleted_?at|removed_?at)$/i.test(one.name) && isTime(one.type) && one.nullable,
  );
  return {
    table: {
      ...{ schema, table, ...key, config: column },
      ...(primary.length === 1 && id !== undefined ? { id } : {}),
      ...(type === undefined ? {} : { type }),
      ...updatedAt,
      ...(deleted === undefined ? {} : { where: [{ column: deleted.name, operator: "is null" }] }),
    },
    doubts,
  };
}

/** The columns that find a row by a server's name, and the one with the name where others are needed too. */
function keyOf(
  indexes: readonly { readonly columns: readonly string[]; readonly primary: boolean }[],
  of: ReadonlyMap<string, ColumnAbout>,
  config: string,
  doubts: string[],
): Pick<TableSpec, "key" | "match"> {
  const text = (name: string): boolean => name !== config && isText(of.get(name)?.type ?? "");
  const named = (name: string): boolean =>
    text(name) && /key|name|slug|identifier|alias|server|^id$|_id$/i.test(name);
  const single = indexes.find(({ columns }) => columns.length === 1 && columns.every(text));
  if (single !== undefined) return { key: single.columns };
  const several =
    indexes.find(({ columns, primary }) => columns.length > 1 && !primary && columns.some(named)) ??
    indexes.find(({ columns }) => columns.length > 1 && columns.some(named));
  if (several !== undefined) {
    const match = [...several.columns].reverse().find(named) ?? "";
    doubts.push(
      `One server may have many rows, one for each ${several.columns.filter((name) => name !== match).join(", ")}.`,
    );
    return { key: several.columns, match };
  }
  const primary = indexes.find((index) => index.primary)?.columns ?? [];
  const match = [...of.keys()].find(
    (name) => /^(server_?)?(key|name|slug|identifier)$/i.test(name) && text(name),
  );
  if (match !== undefined) {
    doubts.push(`The values of ${match} are not unique, so one server may have many rows.`);
    return { key: primary, match };
  }
  doubts.push("No column has a server's name or key, so rows are named by their primary key.");
  return { key: primary };
}

async function typeOf(
  client: Client,
  { schema, table, column }: Candidate,
  columns: readonly ColumnAbout[],
  key: readonly string[],
): Promise<TableSpec["type"]> {
  const likely = columns.filter(
    ({ name, type }) =>
      name !== column &&
      !key.includes(name) &&
      /type|kind|source|origin|scope|category/i.test(name) &&
      !/^(json|timestamp|boolean|uuid|bytea)/.test(type),
  );
  for (const { name } of likely.slice(0, 5)) {
    const found = await client.query<{ value: string | null }>(
      `select distinct left(s.v, 64) as value from (select ${ident(name)}::text as v from ${qualified(schema, table)} limit 5000) s limit 9`,
    );
    const values = found.rows.map(({ value }) => value);
    const own = values.find((value) => value !== null && ownValue.test(value));
    if (own !== undefined && own !== null && values.length < 9) return { column: name, value: own };
  }
  return undefined;
}

async function updatedAtOf(
  client: Client,
  { schema, table }: Candidate,
  columns: readonly ColumnAbout[],
): Promise<Pick<TableSpec, "updatedAt" | "updatedAtUnit">> {
  const one = columns.find(
    ({ name, type }) =>
      /^(updated|modified|last_?modified|last_?updated)(_?(at|on|time))?$/i.test(name) &&
      (isTime(type) || isNumber(type)),
  );
  if (one === undefined) return {};
  if (isTime(one.type)) return { updatedAt: one.name };
  const found = await client.query<{ newest: string | null }>(
    `select max(s.v)::text as newest from (select ${ident(one.name)} as v from ${qualified(schema, table)} limit 5000) s`,
  );
  const newest = Number(found.rows[0]?.newest ?? 0);
  return { updatedAt: one.name, updatedAtUnit: newest > 1e11 ? "milliseconds" : "seconds" };
}
