import type { Client } from "pg";

import type { CutoverSpec } from "../decide/spec";
import type { TableShape } from "../postgres/table";
import type { Run } from "../store/ledger";

/** What all steps of one run share. */
export interface ForwardRun {
  readonly client: Client;
  readonly spec: CutoverSpec;
  readonly shape: TableShape;
  readonly runId: string;
  /** The generation before, when it pointed into the cluster too. */
  readonly previous: Run | undefined;
  /** Rows that the same transaction wrote before. @default 0 */
  readonly touched?: number;
  /** How many rows the table had when nobody could write it any more. */
  readonly rows: number;
}

/** What a run wrote. */
export interface Applied {
  /** Rows by action. */
  readonly counts: Record<string, number>;
  /** Entries of the journal. */
  readonly journalRows: number;
  readonly warnings: readonly string[];
}

/** What all steps of an undo share. */
export interface UndoRun {
  readonly client: Client;
  readonly spec: CutoverSpec;
  readonly shape: TableShape;
  readonly runId: string;
  /** The run that is taken back. */
  readonly undone: Run;
  /** How many rows the table had when nobody could write it any more. */
  readonly rows: number;
}
