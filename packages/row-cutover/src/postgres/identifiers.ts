import { escapeIdentifier, escapeLiteral } from "pg";

import { checkName } from "../decide/check-spec";

/** An identifier, safe inside SQL. */
export function ident(name: string): string {
  checkName(name);
  return escapeIdentifier(name);
}

/** A string literal, safe inside SQL. */
export const literal = escapeLiteral;

/** `"schema"."table"` */
export function qualified(schema: string, table: string): string {
  return `${ident(schema)}.${ident(table)}`;
}

/** `array["alias"."a"::text, ...]`: the key of a row, as the journal has it. */
export function keyArray(columns: readonly string[], alias: string): string {
  return `array[${columns.map((column) => `${alias}.${ident(column)}::text`).join(", ")}]`;
}

/**
 * Whether a key is among others.
 * @param key such as {@link keyArray}
 * @param keys in SQL: a JSON array of keys
 */
export function isAmong(key: string, keys: string): string {
  return `${key} in (select array(select jsonb_array_elements_text(k.v)) from jsonb_array_elements(${keys}) as k(v))`;
}

/** A value as a `jsonb` literal. */
export function jsonLiteral(value: unknown): string {
  return `${literal(JSON.stringify(value))}::jsonb`;
}

/** Whether row `alias` has the key in `array`: the same as comparing {@link keyArray}, without making an array for each row. */
export function sameKey(columns: readonly string[], alias: string, array: string): string {
  return columns
    .map((column, i) => `${alias}.${ident(column)}::text = (${array})[${i + 1}]`)
    .join(" and ");
}

const reserved = new Set(
  (
    "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation " +
    "column concurrently constraint create cross current_catalog current_date current_role current_schema current_time " +
    "current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze " +
    "from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit " +
    "localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references " +
    "returning right select session_user similar some symmetric system_user table tablesample then to trailing true union " +
    "unique user using variadic verbose when where window with"
  ).split(" "),
);

/** A name for SQL in a message, such as `public.servers`: quoted only where it has to be. */
export function shownName(...parts: readonly string[]): string {
  const shown = (part: string): string =>
    /^[a-z_][a-z0-9_]*$/.test(part) && !reserved.has(part) ? part : escapeIdentifier(part);
  return parts.map(shown).join(".");
}
