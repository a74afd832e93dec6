import type { RowChange } from "../decide/results";
import type { UndoPlan } from "../decide/steps";
import type { PlannedForward, PlannedUndo } from "../layouts/layout";
import type { DatabaseIdentity } from "../postgres/database";
import type { Fingerprint } from "../postgres/fingerprint";
import type { RightsFacts } from "../postgres/rights/facts";
import type { TableShape } from "../postgres/table";
import type { Run } from "../store/ledger";

/** The common part of every analysis. */
interface Found {
  /** The newest run, whatever its target. */
  readonly ledger: Run | undefined;
  /** The generation after the run. */
  readonly generation: number;
  readonly changes: RowChange[];
  readonly warnings: string[];
}

/** The database and the table, read before anything is planned. */
export interface Surroundings extends Pick<Found, "ledger" | "generation"> {
  readonly identity: DatabaseIdentity;
  readonly shape: TableShape;
  readonly facts: RightsFacts;
  /** The table before any row of it was read. */
  readonly fingerprint: Fingerprint;
}

/** A run that points the rows to the servers in the cluster. */
interface ForwardAnalysis extends Found, Surroundings, PlannedForward {
  readonly kind: "forward";
  /** The newest generation, when it points into the cluster. */
  readonly previous: Run | undefined;
}

/** A run that undoes the newest generation. */
interface UndoAnalysis extends Found, Surroundings, PlannedUndo {
  readonly kind: "undo";
  readonly plan: UndoPlan;
  readonly undone: Run;
}

/** What a run has to do, found by reading alone. */
export type Analysis = (Found & { readonly kind: "noop" }) | ForwardAnalysis | UndoAnalysis;

/** An analysis with something to write. */
export type WritingAnalysis = ForwardAnalysis | UndoAnalysis;
