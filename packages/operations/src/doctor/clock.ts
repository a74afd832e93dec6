import { bad, type Finding, ok } from "./finding";

/** Beyond the first, times in ledger and reports mislead; beyond the second, tokens and certificates are refused. */
const [noticed, refusedBeyond] = [5, 60];

/** A clock read somewhere else, and this machine's before and after. All in milliseconds since the epoch. */
export interface ClockReading {
  readonly there: number;
  readonly before: number;
  readonly after: number;
}

/** How far a clock is from this machine's, less what the reading itself cannot tell. */
export function clockFinding(
  check: string,
  whose: string,
  { there, before, after }: ClockReading,
): Finding {
  // The API server's is told to the second, and may have been read at any moment of the call.
  const off = Math.max(0, before - (there + 1000), there - after) / 1000;
  const said = `${whose} and this machine's are ${off < 1 ? "less than a second" : `${Math.round(off)} s`} apart`;
  if (off <= noticed) return ok(check, said);
  const fix = "Have both machines keep their time by NTP: timedatectl set-ntp true";
  return off > refusedBeyond ? bad(check, said, fix) : { check, state: "warn", said, fix };
}
