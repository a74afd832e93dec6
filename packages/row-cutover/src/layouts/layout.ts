import type { Client } from "pg";

import type { ForwardRun, UndoRun } from "../actions/action";
import type { CutoverSpec } from "../decide/spec";
import type { ForwardInput, ForwardPlan, ForwardStep, ReadSize, UndoPlan } from "../decide/steps";
import type { TableShape } from "../postgres/table";
import type { Run } from "../store/ledger";

/** The input of a forward plan, whatever the layout. */
export interface ForwardRequest {
  readonly given: Pick<ForwardInput, "spec" | "carries" | "samePlan">;
  readonly shape: TableShape;
  /** About how many rows the table has. */
  readonly tableRows: number;
  /** The newest generation, when it points into the cluster. */
  readonly active: Run | undefined;
}

/** A forward plan, with its input and how much was read. */
export interface PlannedForward {
  readonly plan: ForwardPlan;
  readonly input: ForwardInput;
  readonly readSize: ReadSize;
}

/** An undo plan, and how much was read. */
export interface PlannedUndo {
  readonly plan: UndoPlan;
  readonly readSize: ReadSize;
}

/**
 * What a run does with a table, depending on how its rows belong to the entries of the configuration: a row for each
 * server, or a row for each server and tenant. Decisions that follow from it are `LayoutRules` in `decide/layout.ts`.
 */
export interface Layout {
  planForward(client: Client, request: ForwardRequest): Promise<PlannedForward>;
  planUndo(client: Client, spec: CutoverSpec, shape: TableShape, undone: Run): Promise<PlannedUndo>;
  /** Journals and writes the rows that a plan has no steps for. */
  writeWithoutSteps(run: ForwardRun, plan: ForwardPlan, input: ForwardInput): Promise<void>;
  /** Restores the rows that a plan of an undo has no steps for. */
  restoreWithoutSteps(run: UndoRun, plan: UndoPlan): Promise<void>;
  /** The steps for rows that the run has not seen, from a plan that was made after it. */
  lateSteps(client: Client, run: Run, plan: ForwardPlan): Promise<readonly ForwardStep[]>;
  /** A query of the application's own documents: `key`, `config`, and how many rows have it (`count`). */
  documents(spec: CutoverSpec, shape: TableShape): string;
}
