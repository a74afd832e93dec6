/** What a part of the tests counted. */
export interface Counts {
  readonly passes: number;
  readonly failures: number;
  readonly pending: number;
  /** Each failed test or hook in a line: title and the beginning of its message. */
  readonly failed: readonly string[];
}

export const none: Counts = { passes: 0, failures: 0, pending: 0, failed: [] };

/** What could not be counted is one failure, told by its reason. */
export const failure = (reason: string): Counts => ({ ...none, failures: 1, failed: [reason] });

/** @param name of the part that `counts` is of, put before what failed */
export function add(total: Counts, name: string, counts: Counts): Counts {
  return {
    passes: total.passes + counts.passes,
    failures: total.failures + counts.failures,
    pending: total.pending + counts.pending,
    failed: [...total.failed, ...counts.failed.map((line) => `${name}: ${line}`)],
  };
}
