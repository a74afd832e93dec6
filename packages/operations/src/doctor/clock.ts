import { bad, type Finding, ok } from "./finding";

/**
 * Above the first limit, times in ledger and reports mislead; above the second, tokens and certificates are
 * rejected.
 */
const [noticed, refusedBeyond] = [5, 60];

/**
 * Another machine's clock, and this machine's clock before and after the reading. All in milliseconds since the
 * epoch.
 */
export interface ClockReading {
  readonly there: number;
  readonly before: number;
  readonly after: number;
}

/** How far a clock differs from this machine's, minus the uncertainty of the reading. */
export function clockFinding(
  check: string,
  whose: string,
  { there, before, after }: ClockReading,
): Finding {
  // The API server's time has whole seconds, and may have been read at any moment of the call.
  const off = Math.max(0, before - (there + 1000), there - after) / 1000;
  const said = `${whose} and this machine's are ${off < 1 ? "less than a second" : `${Math.round(off)} s`} apart`;
  if (off <= noticed) return ok(check, said);
  const fix = "Have both machines keep their time by NTP: timedatectl set-ntp true";
  return off > refusedBeyond ? bad(check, said, fix) : { check, state: "warn", said, fix };
}
