import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

import { execa } from "execa";

/** How long a piece of work takes, in seconds. */
export async function secondsIn(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** How long a process takes, in seconds. @throws when it fails */
export function secondsOf(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  return secondsIn(() => execa(command, args, { env, timeout: 60_000 }));
}

/** Measures both, in turn: whoever comes second finds the machine as the first left it. */
export async function alternately(
  rounds: number,
  ours: () => Promise<number>,
  peer: () => Promise<number>,
): Promise<{ ours: number; peer: number }[]> {
  const pairs = [];
  for (let i = 0; i < rounds; i += 1) {
    if (i % 2 === 0) pairs.push({ ours: await ours(), peer: await peer() });
    else {
      const other = await peer();
      pairs.push({ ours: await ours(), peer: other });
    }
  }
  return pairs;
}

/** What a worker of this directory answers, as JSON in its last line; its program may say things before. */
export function askWorker<T>(file: string, argument: string): T {
  const said = execFileSync(process.execPath, [join(__dirname, file), argument], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(said.trim().split("\n").at(-1) ?? "") as T;
}
