import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { stopTestServer, type TestDatabase, testDatabase } from "../test/support/postgres";
import { byHandForward, tableSql } from "./table";
import type { WorkerAnswer, WorkerRequest } from "./worker";

/** One line of `bench/out/results.json`. A ratio above its goal is worse than wanted. */
interface Result {
  readonly name: string;
  readonly ours: number;
  readonly peer: number;
  readonly unit: "s" | "MiB";
  readonly ratio: number;
  readonly goal: number;
}

const results: Result[] = [];

/** The middle of several runs: one alone says little on a busy machine. */
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function record(
  name: string,
  unit: Result["unit"],
  ours: number,
  peer: number,
  goal: number,
): void {
  const ratio = ours / peer;
  results.push({ name, ours: round(ours), peer: round(peer), unit, ratio: round(ratio), goal });
  const verdict = ratio <= goal ? "ok" : "missed";
  process.stdout.write(
    `${name}: ${round(ours)} ${unit} against ${round(peer)} ${unit}, ratio ${round(ratio)} (goal ${goal}): ${verdict}\n`,
  );
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

function work(database: TestDatabase, rows: number, what: WorkerRequest["what"]): WorkerAnswer {
  const request: WorkerRequest = { db: { connectionString: database.url }, rows, what };
  const said = execFileSync(
    process.execPath,
    [join(__dirname, "worker.js"), JSON.stringify(request)],
    { encoding: "utf8", maxBuffer: 2 ** 26, stdio: ["ignore", "pipe", "inherit"] },
  );
  return JSON.parse(said) as WorkerAnswer;
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await action();
  return (performance.now() - started) / 1000;
}

/** One size: each round on a table of its own, ours and by hand in turn. */
async function size(rows: number, rounds: number): Promise<void> {
  const seconds = {
    byHand: [] as number[],
    forward: [] as number[],
    noop: [] as number[],
    undo: [] as number[],
  };
  let memory = 0;
  for (let i = 0; i < rounds; i += 1) {
    const peer = await testDatabase();
    await peer.query(tableSql(rows).replace(/vacuum.*/, ""));
    await peer.query("vacuum analyze servers");
    seconds.byHand.push(await timed(() => peer.query(byHandForward)));
    await peer.drop();
    const database = await testDatabase();
    await database.query(tableSql(rows).replace(/vacuum.*/, ""));
    await database.query("vacuum analyze servers");
    const forward = work(database, rows, "in-cluster");
    seconds.forward.push(forward.seconds);
    seconds.noop.push(work(database, rows, "in-cluster").seconds);
    seconds.undo.push(work(database, rows, "embedded").seconds);
    memory = Math.max(memory, forward.maxRssMiB);
    await database.drop();
  }
  const label = `${rows} rows`;
  const forward = median(seconds.forward);
  record(`forward, ${label}`, "s", forward, median(seconds.byHand), 1.25);
  record(`undo, ${label}`, "s", median(seconds.undo), forward, 1);
  record(`no-op, ${label}`, "s", median(seconds.noop), forward, 0.2);
  record(`memory, ${label}`, "MiB", memory, 200, 1);
}

async function main(): Promise<void> {
  const sizes = process.argv.slice(2).map(Number);
  for (const rows of sizes.length > 0 ? sizes : [6, 1000, 100_000]) {
    await size(rows, rows > 50_000 ? 1 : 3);
  }
  await stopTestServer();
  mkdirSync("bench/out", { recursive: true });
  writeFileSync("bench/out/results.json", `${JSON.stringify(results, null, 2)}\n`);
}

void main();
