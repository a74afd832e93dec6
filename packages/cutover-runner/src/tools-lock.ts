import { isDeepStrictEqual } from "node:util";

import type { Db, LedgerState } from "@mcp-fleet/row-cutover";

import type { ConsumerProbe } from "./probe-job";
import { toolsOf } from "./shown";
import type { CutoverInputs } from "./types";

/**
 * For a run with no row to write. Such a run is made where another tools lock is to hold, and where a server under one runs
 * with another template: only these servers are asked. The ledger has the lock from then on, and what they list.
 * @param ask asks these servers, and throws where one does not pass
 */
export async function heldToTools(
  db: Db,
  ledger: LedgerState | undefined,
  { spec, targets, toolsLock }: Pick<CutoverInputs, "spec" | "targets" | "toolsLock">,
  ask: (targets: CutoverInputs["targets"]) => Promise<readonly ConsumerProbe[]>,
): Promise<void> {
  if (ledger === undefined || ledger.target === "embedded") return;
  const locked = targets.filter(({ lock }) => lock !== undefined);
  const probes = toolsLock === undefined ? [] : await ask(locked);
  const tools = toolsOf(probes);
  const known = ledger.tools ?? {};
  const same = Object.entries(tools).every(([name, listed]) =>
    isDeepStrictEqual(listed, known[name]),
  );
  if (same && toolsLock === ledger.toolsLock) return;
  if (toolsLock === undefined)
    process.stdout.write(
      "The servers' tools are held to nothing any more: this run has no tools lock, and the one before had one. If that is not meant, put Pulumi.<stack>.tools.json beside the program.\n",
    );
  const rows = await import("@mcp-fleet/row-cutover");
  await rows.recordToolsLock(db, spec, ledger.runId, toolsLock, tools);
}
