import type { DriftKind } from "@mcp-fleet/metrics";

/** One difference. It contains keys, Service names and plain URLs, never a value of a document. */
export interface DriftFinding {
  readonly kind: DriftKind;
  /** The row's key, or the Service's name. */
  readonly subject: string;
  readonly detail: string;
}
