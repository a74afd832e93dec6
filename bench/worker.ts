/**
 * One run in a process of its own, so that its memory is its own: what to do is JSON in the first argument, and
 * the answer is one line of JSON.
 */
import { type Db, runCutover, type Target } from "@mcp-fleet/row-cutover";

import { benchSpec } from "./table";

/** What a worker is asked to do. */
export interface WorkerRequest {
  readonly db: Db;
  readonly rows: number;
  readonly target: Target;
}

/** What it says. */
export interface WorkerAnswer {
  /** From connecting to the answer. */
  readonly seconds: number;
  readonly maxRssMiB: number;
  readonly counts: Record<string, number>;
  readonly repeated: boolean;
}

async function main({ db, rows, target }: WorkerRequest): Promise<void> {
  const meta = { who: "bench", stack: "bench", toolVersion: "0.1.0" };
  const started = performance.now();
  const { counts, repeated } = await runCutover(db, benchSpec(rows), target, meta);
  const answer: WorkerAnswer = {
    seconds: (performance.now() - started) / 1000,
    maxRssMiB: process.resourceUsage().maxRSS / 1024,
    counts,
    repeated,
  };
  process.stdout.write(JSON.stringify(answer));
}

void main(JSON.parse(process.argv[2] ?? "") as WorkerRequest);
