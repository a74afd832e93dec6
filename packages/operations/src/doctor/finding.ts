import { isUserError, messageOf } from "@mcp-fleet/errors";

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  /** `unseen`: it could not be looked at, so nothing is known. */
  readonly state: "ok" | "warn" | "fail" | "unseen";
  /** What was found, in one line. */
  readonly said: string;
  /** What to do about it. */
  readonly fix?: string;
}

export function ok(check: string, said: string): Finding {
  return { check, state: "ok", said };
}

export function bad(check: string, said: string, fix: string): Finding {
  return { check, state: "fail", said, fix };
}

/** An error as a finding: what to do about it where it says so. */
export function refused(check: string, error: unknown, state: Finding["state"] = "fail"): Finding {
  if (isUserError(error)) return { check, state, said: error.problem, fix: error.fix };
  return bad(
    check,
    `this check itself failed: ${messageOf(error)}`,
    "Report it as a defect of mcp-fleet, with this line.",
  );
}

/** Runs one check; an error becomes its finding, so that the others are still done. */
export async function checked(
  check: string,
  work: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await work();
  } catch (error) {
    return [refused(check, error)];
  }
}
