import { clusterStatus } from "../../lab/cluster";
import { type Footprint, footprint } from "../../lab/cluster/footprint";

/** The machine before this test run started a lab on it; undefined when a lab was running already. */
let before: Promise<Footprint | undefined> | undefined;

/** Takes stock once, at the first call. */
export function machineBefore(): Promise<Footprint | undefined> {
  before ??= clusterStatus().then((status) => (status.running ? undefined : footprint()));
  return before;
}
