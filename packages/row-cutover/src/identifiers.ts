import { UserError } from "@mcp-fleet/errors";
import { escapeIdentifier, escapeLiteral } from "pg";

/** An identifier, safe inside SQL. */
export function ident(name: string): string {
  if (name === "" || name.includes("\0") || Buffer.byteLength(name) > 63) {
    throw new UserError(
      `${JSON.stringify(name)} is not a name that PostgreSQL accepts.`,
      "Give the table and its columns names of 1 to 63 bytes.",
    );
  }
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

/** Whether row `alias` has the key that is in `array`: the same as comparing {@link keyArray}, which is made once a row. */
export function sameKey(columns: readonly string[], alias: string, array: string): string {
  return columns
    .map((column, i) => `${alias}.${ident(column)}::text = (${array})[${i + 1}]`)
    .join(" and ");
}
