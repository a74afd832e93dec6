import { readFileSync } from "node:fs";

import { clusterStatus, offeredEngine, stopCluster } from "../../lab/cluster";
import { type Footprint, footprint } from "../../lab/cluster/footprint";
import { ensurePackages } from "../../lab/cluster/packages";
import { consoleLog } from "../../lab/log";

/** Names a file with the machine's state before the lab, written by another process of this test run. */
export const machineFile = "MCP_FLEET_MACHINE";

/** The machine before this test run started a lab on it; undefined when a lab was already running. */
let before: Promise<Footprint | undefined> | undefined;

/** Records the machine's state once, at the first call. */
export function machineBefore(): Promise<Footprint | undefined> {
  before ??= takeStock();
  return before;
}

async function takeStock(): Promise<Footprint | undefined> {
  const known = process.env[machineFile];
  if (known !== undefined) {
    return (JSON.parse(readFileSync(known, "utf8")) as Footprint | null) ?? undefined;
  }
  if ((await clusterStatus()).running) return undefined;
  // Leftovers of a killed lab, and tools that are installed for one, are not this run's traces.
  if ((await offeredEngine()) === "bare") await ensurePackages(consoleLog());
  await stopCluster();
  return footprint();
}
