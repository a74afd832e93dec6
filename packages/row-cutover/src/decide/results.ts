import type { ChangeNames } from "./names";
import type { AgreedProtocols, RunningImages, Target, ToolLists } from "./spec";

export type RowAction = keyof ChangeNames;

/** What happens to one row. Of the document's values it contains only the URL and the command's name. */
export interface RowChange {
  readonly key: string;
  readonly action: RowAction;
  /** Transport and command or URL before. */
  readonly from?: string;
  /** Transport and command or URL after. */
  readonly to?: string;
  /** Names of the document's keys that are dropped. */
  readonly drops?: string[];
  /** What else happens, as phrases. */
  readonly also?: string[];
  /** How many rows this happens to, where `match` is configured. Default 1. */
  readonly count?: number;
}

/** What a run costs, estimated from the rows as they are. */
export interface PlanSize {
  /** Rows that are written. */
  readonly rows: number;
  /** How long writers of the table wait. */
  readonly lockSeconds: number;
  readonly walBytes: number;
}

/** What a run would do. */
export interface RowPlan {
  readonly target: Target;
  /** The generation after the run. */
  readonly generation: number;
  readonly hash: string;
  readonly changes: RowChange[];
  readonly warnings: string[];
  readonly size: PlanSize;
  /** Whether the run would change nothing. */
  readonly noop: boolean;
}

/** What a run did. */
export interface RunResult {
  readonly generation: number;
  readonly runId: string;
  readonly planHash: string;
  readonly target: Target;
  /** Rows by action. */
  readonly counts: Record<string, number>;
  readonly changes: RowChange[];
  /** ISO 8601 by the database's clock; empty before the first cutover. */
  readonly committedAt: string;
  /** Whether the rows already had their target form, so that none was written. */
  readonly repeated: boolean;
  readonly warnings: string[];
}

/** The result of {@link settle}. */
export interface SettleResult {
  /** Writes of the application that the fence blocked. */
  readonly fencedWrites: number;
  /** Rows that had to be written again because no fence protected them. */
  readonly converted: number;
  readonly removedFence: boolean;
  /** ISO 8601 by the database's clock; empty for generation 0. */
  readonly settledAt: string;
}

/** The newest ledger entry of a cutover. */
export interface LedgerState {
  readonly generation: number;
  readonly target: Target;
  readonly planHash: string;
  readonly runId: string;
  readonly committedAt: string;
  readonly settledAt?: string;
  /** When the undo data was discarded. An undo is refused from then on. */
  readonly finalizedAt?: string;
  readonly who: string;
  readonly stack: string;
  readonly commit?: string;
  readonly toolVersion: string;
  readonly counts: Record<string, number>;
  /** Whether the run put a write fence on the table. */
  readonly fenced: boolean;
  readonly fencedWrites: number;
  /** What the servers listed just before the run. Absent for a run without a probe. */
  readonly tools?: ToolLists;
  /** The MCP protocol versions agreed with each consumer. Absent for a run without a probe. */
  readonly protocols?: AgreedProtocols;
  /** The images that their pods ran. Absent if a run did not see the pods. */
  readonly images?: RunningImages;
  /** A hash of what the servers' tools were agreed to be. Absent where nothing was agreed. */
  readonly toolsLock?: string;
}

/**
 * One row of one run. Documents are represented by their names, and of their values by transport, command and
 * plain URL only.
 */
export interface RunRow {
  readonly key: string;
  /** The previous key, if it was another. */
  readonly keyBefore?: string;
  readonly action: string;
  /** Transport and command or URL. Absent for an inserted row. */
  readonly from?: string;
  /** Absent for a removed row. */
  readonly to?: string;
  readonly before?: MaskedDocument;
  readonly after?: MaskedDocument;
}

/** Where a row points now; with `match`, all rows of a server that point there. */
export interface RowEndpoint {
  /** The row's key; with `match`, the server's. */
  readonly key: string;
  readonly rows: number;
  /** Transport and command or plain URL. */
  readonly shown: string;
  /** The URL as stored, which may contain a credential: for calling, not for showing. */
  readonly url?: string;
}

/** A document in which values that may be secret read `•••`. */
export type MaskedDocument = Readonly<Record<string, unknown>>;

/** A row that differs from what the newest run left. Contains keys of documents, never values. */
export interface DriftedRow {
  readonly key: string;
  /** `changed`: written since. `gone`: deleted since. `new`: one of the application's own, made since. */
  readonly kind: "changed" | "gone" | "new";
  readonly detail: string;
}

/** The comparison of the rows with the ledger. */
export interface DriftReport {
  readonly generation: number;
  readonly target: Target;
  readonly rows: DriftedRow[];
  /** How many more there are than are listed. Absent when all are. */
  readonly more?: number;
  /** Whether a write fence is on the table now, so the rollout has not been settled. */
  readonly fenceStands: boolean;
  /** Writes that it has blocked so far. */
  readonly fencedWrites: number;
}

/** The result of {@link finalize}. */
export interface FinalizeResult {
  readonly generation: number;
  /** Before-images dropped, of all generations together. */
  readonly dropped: number;
  /** ISO 8601 by the database's clock. */
  readonly finalizedAt: string;
}
