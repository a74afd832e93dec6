import { cutoverAlerts } from "./cutover";
import { meshAlerts } from "./mesh";
import { serverAlerts } from "./servers";
import { type AlertGroup, type AlertThresholds, defaultThresholds } from "./types";

export * from "./types";

/** All alerting rules of a fleet. */
export function alertGroups(thresholds: AlertThresholds = defaultThresholds): AlertGroup[] {
  return [serverAlerts(thresholds), cutoverAlerts(thresholds), meshAlerts(thresholds)];
}
