import type { RowEntry } from "./entries";
import type { KeyValues } from "./keys";
import type { PreviousKeys } from "./layout";
import type { ForwardNames, UndoNames } from "./names";
import type { RowChange } from "./results";
import type { ConfigType, RowPlace, StoredRow } from "./rows";
import type { CutoverSpec, RowSpec } from "./spec";
import type { RestoreMode } from "./verdict";

/** How a run distinguishes the rows of one server. SQL finds the rows by it again when it writes. */
export interface RowForm {
  /** Whether the document already is the target. */
  readonly there: boolean;
  readonly embedded: boolean;
  /** `set` columns with another value. */
  readonly differs: readonly string[];
}

/** What a forward run does to one row, or to all rows of a group. */
export interface ForwardStep {
  readonly action: keyof ForwardNames;
  readonly spec: RowSpec;
  /** Key of the row in the table now; absent for a seed. For a group, the server's. */
  readonly keyFound?: KeyValues;
  /** Key of the row afterwards; for a merge, of the row that survives. */
  readonly keyAfter: KeyValues;
  /** Where the row is. Without it and without a form, the row is found by key. */
  readonly at?: RowPlace;
  /** Which group of the server's rows. */
  readonly form?: RowForm;
  /** How many rows. */
  readonly count: number;
  /** Whether an undo restores the before-image of the previous generation. */
  readonly carry: boolean;
  /** Where in the old document the configuration is. */
  readonly path: readonly string[];
  /** The configuration as JSON, when the old document is TOML and some of it stays. */
  readonly json?: string;
}

/** All of a forward run, or of its preview. */
export interface ForwardPlan {
  readonly steps: readonly ForwardStep[];
  readonly changes: RowChange[];
  readonly warnings: string[];
  /** Rows by action that have no steps here: they are read again, a batch at a time, when they are written. */
  readonly withoutSteps: { readonly rewrite: number; readonly unchanged: number };
}

/** Notes collected while rows are planned. */
export interface PlanNotes {
  readonly changes: RowChange[];
  readonly warnings: string[];
}

/** What a forward plan is made from. */
export interface ForwardInput {
  readonly spec: CutoverSpec;
  readonly rows: ReadonlyMap<string, StoredRow>;
  /**
   * Keys of the previous generation, if it pointed into the cluster too, with the key that its undo restores.
   * Empty with `match`, where SQL looks them up.
   */
  readonly previous: PreviousKeys | undefined;
  /** Whether the previous generation still has before-images, which the new one takes over. */
  readonly carries: boolean;
  /** Whether the previous generation was planned from the same configuration. */
  readonly samePlan: boolean;
  /** Keys whose seed condition holds. */
  readonly seedable: ReadonlySet<string>;
}

/** Whether the steps write nothing to the table. */
export function writesNothing(plan: ForwardPlan): boolean {
  return plan.withoutSteps.rewrite === 0 && plan.steps.every((step) => step.action === "unchanged");
}

/** Rows by action. */
export function countRows({ steps, withoutSteps }: ForwardPlan): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { action, count } of [
    ...steps,
    { action: "rewrite", count: withoutSteps.rewrite },
    { action: "unchanged", count: withoutSteps.unchanged },
  ]) {
    if (count > 0) counts[action] = (counts[action] ?? 0) + count;
  }
  return counts;
}

/** What an undo does for one journal entry. */
export interface UndoStep {
  readonly action: keyof UndoNames;
  readonly entry: RowEntry;
  /** The row's key now. */
  readonly keyFound: KeyValues;
  /** Where the row is. Absent for one that is inserted. */
  readonly at?: RowPlace;
  readonly mode: RestoreMode;
  /** Where in a wrapped JSON document the configuration is. */
  readonly path: readonly string[];
  /** The old configuration as JSON, when the old document is TOML and JSON is needed. */
  readonly json?: string;
}

/** A complete undo plan, also for a preview. */
export interface UndoPlan {
  readonly steps: readonly UndoStep[];
  readonly changes: RowChange[];
  readonly warnings: string[];
  /** Rows that were changed since the run: how many, and the first of them with what was found. */
  readonly conflicts: { readonly count: number; readonly list: readonly Conflict[] };
  /** The columns besides the document that are restored. */
  readonly columns: readonly string[];
  /** Rows that have no steps here: SQL restores them from the journal, or they are read again. */
  readonly withoutSteps: UndoWithoutSteps;
}

/** A row that was changed since the run, and how. */
export interface Conflict {
  readonly key: string;
  readonly reason: string;
}

/** Rows of an undo by what happens to them, where a server has many. */
interface UndoWithoutSteps {
  /** Rows that SQL restores from the journal as they are. */
  readonly written: number;
  /** Rows that the run did not write. */
  readonly unchanged: number;
  /** Rows that are compared in JavaScript, by what happens to them. */
  readonly restore: number;
  readonly kept: number;
}

/** A plan of an undo while it is made. */
export interface UndoDraft extends PlanNotes {
  readonly steps: UndoStep[];
  readonly conflicts: Conflict[];
}

/** What the plan of an undo is made from. */
export interface UndoInput {
  readonly spec: CutoverSpec;
  readonly configType: ConfigType;
  readonly rows: ReadonlyMap<string, StoredRow>;
  readonly entries: readonly RowEntry[];
}

/** How much a plan has read. */
export interface ReadSize {
  readonly rows: number;
  readonly bytes: number;
}
