import type { Client } from "pg";

import type { RowEntry } from "../decide/entries";
import type { KeyValues } from "../decide/keys";
import type { LostCredentials } from "../decide/lost-credentials";
import type { StoredRow } from "../decide/rows";
import type { CutoverSpec, RowSpec } from "../decide/spec";
import type {
  ForwardInput,
  ForwardStep,
  PlanNotes,
  UndoDraft,
  UndoInput,
  UndoStep,
} from "../decide/steps";
import type { TableShape } from "../postgres/table";
import type { Run } from "../store/ledger";

/** One thing that a run does to rows. Its plan, its checks, what it writes and its undo are in one folder. */
export interface Action {
  /** The steps of a plan that belong to it. */
  readonly steps: readonly ForwardStep["action"][];
  /** Those of them that create a new row version in the table. */
  readonly written: readonly ForwardStep["action"][];
  /** How many rows each step adds to the table. */
  readonly adds: -1 | 0 | 1;
  /** Adds its steps for one entry of the configuration, in a table with a row for each server. */
  plan(input: ForwardInput, found: FoundRows, draft: ForwardDraft): void;
  /**
   * Checks that its steps are possible, before anything is locked.
   * @throws UserError naming the obstacle
   */
  check(checked: Checked, steps: readonly ForwardStep[]): Promise<void>;
  /**
   * Writes the journal and then the rows.
   * @returns how many rows of other tables were written
   */
  write(run: ForwardRun, steps: readonly ForwardStep[]): Promise<number>;
  /** The entries of the journal whose undo it plans. */
  readonly entries: readonly RowEntry["action"][];
  /** Adds the steps of an undo for one of these entries. */
  planUndo(input: UndoInput, entry: LeftEntry, draft: UndoDraft): void;
  /** The steps of an undo that belong to it. */
  readonly undoSteps: readonly UndoStep["action"][];
  /** Writes the undo's own journal and the rows. */
  undo(run: UndoRun, steps: readonly UndoStep[]): Promise<Undone>;
}

/** The rows of one entry of the configuration. */
export interface FoundRows {
  readonly row: RowSpec;
  /** The row that stays. Absent where there is none. */
  readonly main: StoredRow | undefined;
  /** The other rows of the same server, under its older keys. */
  readonly others: readonly StoredRow[];
}

/** A plan while it is made. */
export interface ForwardDraft extends PlanNotes {
  readonly steps: ForwardStep[];
  readonly lost: LostCredentials;
}

/** An entry of the journal with the key that the run left. */
export type LeftEntry = RowEntry & { readonly keyAfter: KeyValues };

/** What the undo of an action did. */
export interface Undone {
  /** Rows that it wrote. */
  readonly written: number;
  /** Rows that the table gained, or lost. */
  readonly added: number;
  /** Rows by what happened to them. */
  readonly counts: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

/** The data that an action checks its steps against. */
export interface Checked {
  readonly client: Client;
  readonly spec: CutoverSpec;
  readonly shape: TableShape;
}

/** What all actions of one run share. */
export interface ForwardRun extends Checked {
  readonly runId: string;
  /** The previous generation, if it pointed into the cluster too. */
  readonly previous: Run | undefined;
  /** Rows that the same transaction wrote before. @default 0 */
  readonly touched?: number;
  /** The table's row count once nobody else could write it. */
  readonly rows: number;
}

/** What all actions of one undo share. */
export interface UndoRun extends Checked {
  readonly runId: string;
  /** The run that is undone. */
  readonly undone: Run;
  /** The columns besides the document that are restored. */
  readonly columns: readonly string[];
  /** The table's row count once nobody else could write it. */
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

/** The steps of a plan that belong to an action. */
export function stepsOf(
  { steps: own }: Pick<Action, "steps">,
  steps: readonly ForwardStep[],
): readonly ForwardStep[] {
  return steps.filter(({ action }) => own.includes(action));
}

/** The steps of an undo that belong to an action. */
export function undoStepsOf(
  { undoSteps }: Pick<Action, "undoSteps">,
  steps: readonly UndoStep[],
): readonly UndoStep[] {
  return steps.filter(({ action }) => undoSteps.includes(action));
}
