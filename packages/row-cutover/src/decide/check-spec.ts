import { UserError } from "@mcp-fleet/errors";

import { keyId, keyName, keyOf } from "./keys";
import { entryColumns, rulesOf } from "./layout";
import type { CutoverSpec, RowSpec, TableSpec } from "./spec";

/** @throws UserError for what is wrong in the configuration itself, before any connection */
export function checkSpec(spec: CutoverSpec): void {
  const { table } = spec;
  const rules = rulesOf(table);
  if (spec.name === "") throw new UserError("The cutover has no name.", "Set [cutover.name].");
  if (table.key.length === 0) {
    throw new UserError("No key column is configured.", "Set [cutover.table.key].");
  }
  for (const name of [table.schema, table.table, table.config, ...table.key]) checkName(name);
  const seen = new Set<string>();
  for (const row of spec.rows) {
    for (const key of [row.key, ...(row.aliases ?? [])].map(keyOf)) {
      if (key.length !== rules.entryColumns.length) {
        throw new UserError(
          `The key ${keyName(key)} has ${key.length} parts, but the table is keyed by ${rules.entryColumns.join(", ")}.`,
          `Give one value for each column of [cutover.table.${rules.entryKey}].`,
        );
      }
      if (seen.has(keyId(key))) {
        throw new UserError(
          `The key ${keyName(key)} is configured for two servers.`,
          "Let each row belong to one server.",
        );
      }
      seen.add(keyId(key));
    }
    rules.checkEntry(row);
    refuseSelecting(table, row);
    if (!URL.canParse(row.url) || !/^https?:$/.test(new URL(row.url).protocol)) {
      throw new UserError(
        `The server ${keyName(keyOf(row.key))} has no valid http(s) URL.`,
        "Check the server's name, namespace, port and path.",
      );
    }
  }
}

/**
 * Columns that select rows must not be written: no later run would find the rows again.
 * @throws UserError naming the column
 */
function refuseSelecting(table: TableSpec, row: RowSpec): void {
  const selecting: Readonly<Record<string, string>> = {
    ...Object.fromEntries(
      [...table.key, ...entryColumns(table)].map((name) => [name, "the rows' key"]),
    ),
    ...(table.id === undefined ? {} : { [table.id]: "the column that references point to" }),
    ...(table.updatedAt === undefined ? {} : { [table.updatedAt]: "the time of the last change" }),
    [table.config]: "the document",
    ...Object.fromEntries(
      (table.where ?? []).map(({ column }) => [column, "a condition on the rows"]),
    ),
  };
  for (const [name, value] of Object.entries(row.set ?? {})) {
    const server = keyName(keyOf(row.key));
    const what = selecting[name];
    if (what !== undefined) {
      throw new UserError(
        `The row ${server} sets the column ${name}, which is ${what}.`,
        `Leave ${name} out of [servers.${server}.row.set].`,
      );
    }
    if (name === table.type?.column && value !== table.type.value) {
      throw new UserError(
        `The row ${server} sets the column ${name}, by whose value ${JSON.stringify(table.type.value)} the cutover knows the application's own rows: no later run, Settle or undo would find the row again.`,
        `Leave ${name} out of [servers.${server}.row.set], or name another column in [cutover.table.type].`,
      );
    }
  }
}

/** @throws UserError for a name that PostgreSQL cannot have for a table or a column */
export function checkName(name: string): void {
  if (name !== "" && !name.includes("\0") && Buffer.byteLength(name) <= 63) return;
  throw new UserError(
    `${JSON.stringify(name)} is not a name that PostgreSQL accepts.`,
    "Give the table and its columns names of 1 to 63 bytes.",
  );
}
