import { UserError } from "@mcp-fleet/errors";

import { keyId, keyName, keyOf, type KeyValues } from "./keys";
import type { CutoverSpec, RowSpec, TableSpec } from "./spec";

/** Keys of the generation before, with the key that an undo of it restores. */
export type PreviousKeys = ReadonlyMap<string, KeyValues | null>;

/**
 * How the rows of a table belong to the entries of the configuration, and the decisions that depend on it. What
 * a run does with such a table is `Layout` in `layouts/`.
 */
export interface LayoutRules {
  readonly name: "row per server" | "row per tenant";
  /** The columns whose values the configuration's keys are. */
  readonly entryColumns: readonly string[];
  /** The key of [cutover.table] that names these columns. */
  readonly entryKey: "key" | "match";
  /** Whether a run may also make, rename, merge and remove rows: they are the application's own. */
  readonly movesRows: boolean;
  /**
   * Whether the application may convert a `text` column to `jsonb` by itself, so that every row must be
   * convertible.
   */
  readonly converted: boolean;
  /** @throws UserError for an entry with an option that such rows do not support */
  checkEntry(row: RowSpec): void;
  /** @throws UserError where an entry has no single row, and so no single value */
  checkSingleValue(): void;
  /** Whether the previous generation moved the row of an entry. */
  wasMoved(previous: PreviousKeys | undefined, key: KeyValues): boolean;
}

/** The layout of a table, going by its configuration. */
export function rulesOf(table: TableSpec): LayoutRules {
  return table.match === undefined ? rowPerServer(table) : rowPerTenant(table.match);
}

/** The columns whose values the configuration's keys are. */
export function entryColumns(table: TableSpec): readonly string[] {
  return rulesOf(table).entryColumns;
}

/** Each entry is one row of the application's own. */
function rowPerServer(table: TableSpec): LayoutRules {
  return {
    name: "row per server",
    entryColumns: table.key,
    entryKey: "key",
    movesRows: true,
    converted: true,
    checkEntry: () => undefined,
    checkSingleValue: () => undefined,
    wasMoved: (previous, key) => previous?.has(keyId(key)) === true,
  };
}

/** Each entry is all rows of a server: one for each tenant, and the tenants' own. */
function rowPerTenant(match: string): LayoutRules {
  return {
    name: "row per tenant",
    entryColumns: [match],
    entryKey: "match",
    movesRows: false,
    converted: false,
    checkEntry: (row) => {
      if (row.seed === undefined && (row.aliases ?? []).length === 0) return;
      throw new UserError(
        `The server ${keyName(keyOf(row.key))} has an alias or a seed, but with [cutover.table.match] its rows are its users' own, and are neither renamed, merged nor made.`,
        "Leave out the server's [row.aliases] and [row.seed], or leave out [cutover.table.match].",
      );
    },
    checkSingleValue: () => {
      throw new UserError(
        "With [cutover.table.match] a server has many rows, each with credentials of its own, so there is no single value to read.",
        "Set the server's own credentials: pulumi config set --secret --path serverSecrets.<server>.<NAME> <value>",
      );
    },
    wasMoved: (previous) => previous !== undefined,
  };
}

/** The columns beside the document that a run writes, for all rows together. */
export function setColumns(spec: CutoverSpec): string[] {
  return [...new Set(spec.rows.flatMap((row) => Object.keys(row.set ?? {})))].sort();
}

/** Every column that the configuration names. */
export function namedColumns({ table, rows }: CutoverSpec): string[] {
  return [
    ...table.key,
    ...entryColumns(table),
    ...(table.id === undefined ? [] : [table.id]),
    ...(table.type === undefined ? [] : [table.type.column]),
    ...(table.updatedAt === undefined ? [] : [table.updatedAt]),
    ...(table.where ?? []).map(({ column }) => column),
    ...rows.flatMap((row) => [
      ...Object.keys(row.set ?? {}),
      ...Object.keys(row.seed?.values ?? {}),
    ]),
    table.config,
  ];
}

/** Every key the configuration names. */
export function namedKeys(spec: CutoverSpec): KeyValues[] {
  return spec.rows.flatMap((row) => [keyOf(row.key), ...(row.aliases ?? []).map(keyOf)]);
}
