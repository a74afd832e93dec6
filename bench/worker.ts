/**
 * One measured thing in a process of its own, so that its memory is its own: what to do is JSON in the first
 * argument, and the answer is one line of JSON.
 */
import { type CutoverSpec, type Db, planRows, runCutover } from "@mcp-fleet/row-cutover";

import { benchSpec } from "./table";

/** What a worker is asked to do. */
export interface WorkerRequest {
  readonly db: Db;
  readonly rows: number;
  readonly what: "plan" | "in-cluster" | "embedded";
}

/** What it says. */
export interface WorkerAnswer {
  readonly seconds: number;
  readonly maxRssMiB: number;
  /** With everything loaded and nothing done. */
  readonly startRssMiB: number;
  readonly counts: Record<string, number>;
}

async function main({ db, rows, what }: WorkerRequest): Promise<void> {
  const spec: CutoverSpec = benchSpec(rows);
  const startRssMiB = process.memoryUsage().rss / 2 ** 20;
  const started = performance.now();
  const counts: Record<string, number> = {};
  if (what === "plan") await planRows(db, spec, "in-cluster");
  else {
    const meta = { who: "bench", stack: "bench", toolVersion: "0.1.0" };
    Object.assign(counts, (await runCutover(db, spec, what, meta)).counts);
  }
  const answer: WorkerAnswer = {
    seconds: (performance.now() - started) / 1000,
    maxRssMiB: process.resourceUsage().maxRSS / 1024,
    startRssMiB,
    counts,
  };
  process.stdout.write(JSON.stringify(answer));
}

void main(JSON.parse(process.argv[2] ?? "") as WorkerRequest);
