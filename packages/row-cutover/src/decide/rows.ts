import type { KeyValues } from "./keys";
import type { CutoverSpec } from "./spec";

/** How documents are stored. `varchar` counts as text. */
export type ConfigType = "text" | "json" | "jsonb";

/** One row of the table as text. The document may hold credentials: compare it, never show it. */
export interface StoredRow {
  readonly key: KeyValues;
  /** The value that the configuration's keys are compared with: the key itself unless `match` is configured. */
  readonly match: KeyValues;
  /** Where the row version is. Valid while nobody can write the table. */
  readonly at: RowPlace;
  readonly id: string | null;
  readonly type: string | null;
  readonly config: string | null;
  /** The `set` columns and `updatedAt`, as text. */
  readonly columns: Readonly<Record<string, string | null>>;
}

/** The place of a row version: for joins while the table is locked or unchanged. */
export interface RowPlace {
  readonly part: string;
  readonly tid: string;
}

/** Whether a row is the application's own. Without a type column every row of the spec is. */
export function isOwn(spec: CutoverSpec, row: Pick<StoredRow, "type">): boolean {
  return spec.table.type === undefined || row.type === spec.table.type.value;
}
