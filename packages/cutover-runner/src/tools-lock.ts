import type { Db, LedgerState } from "@mcp-fleet/row-cutover";

import type { CutoverInputs } from "./types";

/**
 * For a run with no row to write: where another tools lock than in the ledger is to hold, the servers are asked, and the
 * ledger has it from then on.
 * @param ask asks all servers, and throws where one does not pass
 */
export async function heldToTools(
  db: Db,
  ledger: LedgerState | undefined,
  { spec, toolsLock }: Pick<CutoverInputs, "spec" | "toolsLock">,
  ask: () => Promise<unknown>,
): Promise<void> {
  if (ledger === undefined || ledger.target === "embedded" || toolsLock === ledger.toolsLock)
    return;
  const rows = await import("@mcp-fleet/row-cutover");
  if (toolsLock !== undefined) await ask();
  await rows.recordToolsLock(db, spec, ledger.runId, toolsLock);
}
