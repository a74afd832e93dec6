import type { Db, LedgerState } from "@mcp-fleet/row-cutover";

import type { CutoverInputs } from "./types";

/**
 * For a run with no row to write. Such a run is made where another tools lock is to hold, and where a server under one runs
 * with another template: only these servers are asked. The ledger has the lock from then on.
 * @param ask asks these servers, and throws where one does not pass
 */
export async function heldToTools(
  db: Db,
  ledger: LedgerState | undefined,
  { spec, targets, toolsLock }: Pick<CutoverInputs, "spec" | "targets" | "toolsLock">,
  ask: (targets: CutoverInputs["targets"]) => Promise<unknown>,
): Promise<void> {
  if (ledger === undefined || ledger.target === "embedded") return;
  if (toolsLock !== undefined) await ask(targets.filter(({ lock }) => lock !== undefined));
  if (toolsLock === ledger.toolsLock) return;
  const rows = await import("@mcp-fleet/row-cutover");
  await rows.recordToolsLock(db, spec, ledger.runId, toolsLock);
}
