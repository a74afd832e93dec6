import { isUserError, messageOf } from "@mcp-fleet/errors";

/** The result of one check. */
export interface Finding {
  readonly check: string;
  /** `unseen`: it could not be checked, so nothing is known. */
  readonly state: "ok" | "warn" | "fail" | "unseen";
  /** The result in one line. */
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

/** An error as a finding, with its fix if it has one. */
export function refused(check: string, error: unknown, state: Finding["state"] = "fail"): Finding {
  if (isUserError(error)) return { check, state, said: error.problem, fix: error.fix };
  return bad(
    check,
    `this check itself failed: ${messageOf(error)}`,
    "Report it as a defect of mcp-fleet, with this line.",
  );
}

/** Runs one check. An error becomes its finding, so that the other checks still run. */
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
