import type { ProbeOutcome } from "@mcp-fleet/mcp-probe";

import type { ToolChanges } from "./tools";

/** One server as one consumer sees it now. */
export interface VerifiedServer extends ToolChanges {
  readonly server: string;
  /** Without user information and query. */
  readonly url: string;
  readonly consumer: string;
  /** Whether it passed the probe and lists every recorded tool under its name. */
  readonly ok: boolean;
  readonly outcome: ProbeOutcome;
  /** What is wrong, in one sentence; empty when nothing is. */
  readonly problem: string;
  /** Where it is not ok: what the cluster says of the server behind its URL, as `mcp-fleet list` shows it. */
  readonly inTheWay?: readonly string[];
  readonly protocolVersion: string;
  readonly serverVersion: string;
  /** Duration of the last attempt in milliseconds. */
  readonly latencyMs: number;
  readonly tools: number;
  /** Whether there is a recorded list to compare with. */
  readonly compared: boolean;
}
