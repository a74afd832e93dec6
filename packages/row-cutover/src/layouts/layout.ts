import type { RowChange } from "../decide/results";
import type { ForwardInput, ForwardPlan, Looked } from "../decide/steps";
import type { DatabaseIdentity } from "../postgres/database";
import type { Fingerprint } from "../postgres/fingerprint";
import type { RightsFacts } from "../postgres/rights-facts";
import type { TableShape } from "../postgres/table";
import type { Run } from "../store/ledger";

export interface Planned {
  readonly plan: ForwardPlan;
  readonly input: ForwardInput;
  readonly looked: Looked;
}

export type Base = Omit<Writing, "changes" | "warnings" | "looked">;

export interface Writing extends Common {
  readonly identity: DatabaseIdentity;
  readonly shape: TableShape;
  readonly facts: RightsFacts;
  /** The table before anything of it was read. */
  readonly fingerprint: Fingerprint;
  readonly looked: Looked;
}

export interface Common {
  /** The newest run, whatever its target. */
  readonly ledger: Run | undefined;
  /** The generation after the run. */
  readonly generation: number;
  readonly changes: RowChange[];
  readonly warnings: string[];
}
