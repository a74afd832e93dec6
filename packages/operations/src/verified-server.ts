import type { ProbeOutcome } from "@mcp-fleet/mcp-probe";

import type { ToolChanges } from "./tools";

/** One server from the view of one consumer. */
export interface VerifiedServer extends ToolChanges {
  readonly server: string;
  /** Without user information and query. */
  readonly url: string;
  readonly consumer: string;
  /** Whether it passed the probe and lists every recorded tool under its name. */
  readonly ok: boolean;
  readonly outcome: ProbeOutcome;
  /** The problem in one sentence; empty without one. */
  readonly problem: string;
  /** If it is not ok: the trouble of its pods according to the cluster, as in `mcp-fleet list`. */
  readonly inTheWay?: readonly string[];
  readonly protocolVersion: string;
  readonly serverVersion: string;
  /** Duration of the last attempt in milliseconds. */
  readonly latencyMs: number;
  readonly tools: number;
  /** Whether there is a recorded list to compare with. */
  readonly compared: boolean;
}
