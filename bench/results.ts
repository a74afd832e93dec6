import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

import { table } from "../cli/terminal";

/** One line of `bench/out/results.json`. A ratio above its goal is worse than wanted. */
export interface Result {
  readonly name: string;
  /** Medians. */
  readonly ours: number;
  readonly peer: number;
  readonly unit: "s" | "MiB" | "requests";
  readonly ratio: number;
  readonly goal: number;
  /** Smallest and largest ratio of one pair. One pair says little on a busy machine. */
  readonly spread: readonly [number, number];
  readonly pairs: number;
}

const results: Result[] = [];

/** Takes the medians of pairs that ran in turn, and says how they compare. */
export function record(
  name: string,
  unit: Result["unit"],
  goal: number,
  pairs: readonly { readonly ours: number; readonly peer: number }[],
): void {
  const ours = median(pairs.map((pair) => pair.ours));
  const peer = median(pairs.map((pair) => pair.peer));
  const ratios = pairs.map((pair) => pair.ours / pair.peer);
  const spread = [round(Math.min(...ratios)), round(Math.max(...ratios))] as const;
  const ratio = round(ours / peer);
  results.push({
    name,
    ours: round(ours),
    peer: round(peer),
    unit,
    ratio,
    goal,
    spread,
    pairs: pairs.length,
  });
  say(
    `${name}: ${round(ours)} ${unit} against ${round(peer)} ${unit}, ratio ${ratio} (${spread.join(" to ")}, ${pairs.length} pairs), goal ${goal}: ${ratio <= goal ? "met" : "missed"}`,
  );
}

/** Prints all results as a table and writes `bench/out/results.json`. */
export function writeResults(): void {
  if (results.length > 0) {
    const rows = results.map(({ name, ours, peer, unit, ratio, goal }) => [
      ...[name, `${ours} ${unit}`, `${peer} ${unit}`, String(ratio), String(goal)],
      ratio <= goal ? "met" : "missed",
    ]);
    say(`\n${table(["bench", "ours", "beside", "ratio", "goal", ""], rows)}`);
  }
  mkdirSync("bench/out", { recursive: true });
  writeFileSync("bench/out/results.json", `${JSON.stringify(results, null, 2)}\n`);
}

/** What the figures depend on: processors, memory, kernel, versions. */
export function describeMachine(versions: Readonly<Record<string, string>>): string {
  const [cpu] = cpus();
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const all = { "Node.js": process.version, ...versions, commit };
  return [
    `${cpus().length} x ${cpu?.model.trim() ?? "unknown processor"}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${release()}`,
    ...Object.entries(all).map(([name, version]) => `${name} ${version}`),
  ].join(", ");
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
