import type { Credentials } from "@mcp-fleet/cutover-runner";
import { messageOf } from "@mcp-fleet/errors";

import type { Check, CheckMetrics } from "./check-metrics";
import { type DriftReport, findDrift } from "./drift";
import type { Fleet } from "./fleet";
import { type IsolationChecked, readIsolationCheck } from "./isolation-check";
import { verify, type VerifyReport } from "./verify";

/** The result of one round of checks. */
export interface CheckRound {
  readonly verify?: VerifyReport;
  readonly drift?: DriftReport;
  /** Absent where the stack has no isolation check, or none has ended yet. */
  readonly isolation?: IsolationChecked;
  /** Why a check could not run, one line each. */
  readonly errors: readonly string[];
}

/** Runs every check, whether or not others fail, and updates the gauges. Never throws. */
export async function runChecks(
  fleet: Fleet,
  credentials: Credentials,
  metrics: CheckMetrics,
): Promise<CheckRound> {
  const errors: string[] = [];
  const attempt = async <T>(check: Check, work: () => Promise<T>) => {
    try {
      return await work();
    } catch (error) {
      metrics.failed(check);
      errors.push(`${check}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const drifted = await attempt("drift", () => findDrift(fleet, credentials));
  if (drifted !== undefined) metrics.drifted(drifted);
  const verified = await attempt("verify", () => verify(fleet, credentials));
  if (verified !== undefined) metrics.verified(verified);
  const isolation = await attempt("isolation", () => readIsolationCheck(fleet, credentials));
  if (isolation !== undefined) metrics.isolated(isolation);
  return {
    ...(verified === undefined ? {} : { verify: verified }),
    ...(drifted === undefined ? {} : { drift: drifted }),
    ...(isolation === undefined ? {} : { isolation }),
    errors,
  };
}
