import type { KeyValues } from "./keys";
import type { JournalNames } from "./names";

/** One journal entry about a row of the table. Before-images hold credentials. */
export interface RowEntry {
  readonly entry: string;
  readonly action: keyof JournalNames;
  /** The key in the table when the run began. */
  readonly keyFound: KeyValues | null;
  /** The key an undo restores. */
  readonly keyBefore: KeyValues | null;
  readonly keyAfter: KeyValues | null;
  readonly rowId: string | null;
  readonly configType: string;
  readonly beforeConfig: string | null;
  readonly afterConfig: string | null;
  readonly beforeColumns: Readonly<Record<string, string | null>>;
  readonly afterColumns: Readonly<Record<string, string | null>>;
  /** Every column as text, for a row that was deleted. */
  readonly beforeRow: Readonly<Record<string, string | null>> | null;
}

/** One journal entry about a row elsewhere that refers to a merged row. */
export interface ReferenceEntry {
  readonly kind: "reference" | "soft-reference";
  readonly action: "move" | "delete" | "edit";
  readonly beforeRow: Readonly<Record<string, string | null>>;
  readonly detail: ReferenceDetail;
}

export interface ReferenceDetail {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** The columns that identify the row. */
  readonly identity: readonly string[];
  readonly before: string | null;
  readonly after: string | null;
  /** For a deleted reference: the columns that it shares with the one that replaces it. */
  readonly twin?: readonly string[];
}
