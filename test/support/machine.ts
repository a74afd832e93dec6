import { clusterStatus, offeredEngine, stopCluster } from "../../lab/cluster";
import { type Footprint, footprint } from "../../lab/cluster/footprint";
import { ensurePackages } from "../../lab/cluster/packages";
import { consoleLog } from "../../lab/log";

/** The machine before this test run started a lab on it; undefined when a lab was running already. */
let before: Promise<Footprint | undefined> | undefined;

/** Takes stock once, at the first call. */
export function machineBefore(): Promise<Footprint | undefined> {
  before ??= takeStock();
  return before;
}

async function takeStock(): Promise<Footprint | undefined> {
  if ((await clusterStatus()).running) return undefined;
  // What a killed lab left, and the tools that are installed for one, are no trace of this run's.
  if ((await offeredEngine()) === "bare") await ensurePackages(consoleLog());
  await stopCluster();
  return footprint();
}
