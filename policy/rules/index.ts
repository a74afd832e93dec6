import type { ResourceRule, StackRule } from "../resource";
import { cutoverDependsOnServers, cutoverNeverReplaced, cutoverStays } from "./cutover";
import { networkPolicy } from "./network";
import {
  noPlaintextSecret,
  noSkippedWait,
  pinnedImage,
  probes,
  requestsAndLimits,
  restricted,
} from "./workload";

/** Checked for each resource before it is made. */
export const resourceRules: readonly ResourceRule[] = [
  noPlaintextSecret,
  pinnedImage,
  probes,
  requestsAndLimits,
  restricted,
  noSkippedWait,
  cutoverNeverReplaced,
];

/** Checked when everything is registered: at the end of a preview, which is before an update begins. */
export const stackRules: readonly StackRule[] = [
  networkPolicy,
  cutoverStays,
  cutoverDependsOnServers,
];
