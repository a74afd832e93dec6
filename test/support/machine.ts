import { readFileSync } from "node:fs";

import { clusterStatus, offeredEngine, stopCluster } from "../../lab/cluster";
import { type Footprint, footprint } from "../../lab/cluster/footprint";
import { ensurePackages } from "../../lab/cluster/packages";
import { consoleLog } from "../../lab/log";

/** Names a file with what another process of this test run saw before the lab started. */
export const machineFile = "MCP_FLEET_MACHINE";

/** The machine before this test run started a lab on it; undefined when a lab was running already. */
let before: Promise<Footprint | undefined> | undefined;

/** Takes stock once, at the first call. */
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
  // What a killed lab left, and the tools that are installed for one, are no trace of this run's.
  if ((await offeredEngine()) === "bare") await ensurePackages(consoleLog());
  await stopCluster();
  return footprint();
}
