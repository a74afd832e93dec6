import type { PlanSize } from "../decide/results";
import { countRows } from "../decide/steps";
import type { Analysis, WritingAnalysis } from "./analysis";

/** Twice what `make bench` measured: the time for each row between lock and COMMIT, and for a run without rows. */
const secondsPerRow = 0.00004;

const secondsPerRun = 0.05;

/** WAL beside the documents: row headers, keys, index entries, the other columns. */
const walPerRow = 900;

/** The old document is written to the journal, the new one to the journal and to the table. */
const copies = 3;

/** From this number of rows on, a plan reports the cost of the run. */
const worthSaying = 1000;

/** How much a run writes, and for how long writers of the table wait. */
export function estimate(analysis: Analysis): PlanSize {
  if (analysis.kind === "noop") return { rows: 0, lockSeconds: 0, walBytes: 0 };
  const rows = writtenRows(analysis);
  const { readSize } = analysis;
  const average = readSize.rows === 0 ? 0 : readSize.bytes / readSize.rows;
  return {
    rows,
    lockSeconds: secondsPerRun + rows * secondsPerRow,
    walBytes: Math.round(rows * (walPerRow + copies * average)),
  };
}

function writtenRows(analysis: WritingAnalysis): number {
  if (analysis.kind === "forward") {
    const { unchanged: _, ...written } = countRows(analysis.plan);
    return Object.values(written).reduce((sum, count) => sum + count, 0);
  }
  const { steps, withoutSteps } = analysis.plan;
  const single = steps.filter(({ action }) => action !== "unchanged").length;
  return single + withoutSteps.written + withoutSteps.restore;
}

/** A warning about the cost of a large run. */
export function sizeWarnings({ rows, lockSeconds, walBytes }: PlanSize): string[] {
  if (rows < worthSaying) return [];
  const wal = Math.max(1, Math.round(walBytes / 2 ** 20));
  return [
    `${rows} rows are written in one transaction: writers of the table wait for about ${Math.ceil(lockSeconds)} seconds (readers do not), and about ${wal} MiB of WAL are made.`,
  ];
}
