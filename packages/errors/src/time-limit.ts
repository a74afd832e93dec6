/**
 * A signal that is aborted after so many seconds. `AbortSignal.timeout` refuses fractions of a millisecond, which a product
 * such as 2.01 * 1000 has, and times below 0, which a rest of time may be.
 */
export function timeLimit(seconds: number): AbortSignal {
  return AbortSignal.timeout(Math.max(0, Math.ceil(seconds * 1000)));
}
