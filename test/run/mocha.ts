import { readFileSync } from "node:fs";
import { join } from "node:path";

import { execa } from "execa";

import { type Counts, failure } from "./counts";

/** Test files that run in one process. */
export interface Part {
  readonly name: string;
  /** Globs of compiled files. */
  readonly files: readonly string[];
  /** Minutes all of it may take. */
  readonly limit: number;
}

/** Where a part's process writes, and what it is told. */
export interface Place {
  /** A directory for the counts. */
  readonly scratch: string;
  /** A file for the output. @default the terminal */
  readonly output?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a part in a mocha process of its own. One that ends without counts is one failure. */
export async function runMocha(part: Part, { scratch, output, env }: Place): Promise<Counts> {
  const countsFile = join(scratch, `${part.name}.json`);
  const mocha = await execa(
    process.execPath,
    [
      "--enable-source-maps",
      require.resolve("mocha/bin/mocha.js"),
      "--reporter",
      "test/support/reporter.cjs",
      "--sort",
      process.stdout.isTTY ? "--color" : "--no-color",
      "--exit",
      ...part.files,
    ],
    {
      reject: false,
      stdin: "ignore",
      ...(output === undefined
        ? { stdout: "inherit", stderr: "inherit" }
        : { stdout: { file: output }, stderr: { file: output } }),
      timeout: part.limit * 60_000,
      env: { MCP_FLEET_COUNTS: countsFile, ...env },
    },
  );
  const ended = mocha.timedOut
    ? `did not end within ${part.limit} minutes`
    : `ended with ${mocha.exitCode ?? mocha.signal}`;
  try {
    const counts = JSON.parse(readFileSync(countsFile, "utf8")) as Counts;
    return mocha.exitCode !== 0 && counts.failures === 0
      ? { ...counts, failures: 1, failed: [ended] }
      : counts;
  } catch {
    return failure(`${ended} and left no counts`);
  }
}
