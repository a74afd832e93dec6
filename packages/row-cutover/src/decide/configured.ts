import { keyOf, type KeyValues } from "./keys";
import { entryColumns } from "./layout";
import type { CutoverSpec } from "./spec";

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
