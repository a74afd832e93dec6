import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";

import { offeredEngine } from "../lab/cluster";

/** What one rung of the test ladder counted. */
interface Counts {
  readonly passes: number;
  readonly failures: number;
  readonly pending: number;
  /** Each failed test or hook in a line: title and the beginning of its message. */
  readonly failed: readonly string[];
}

/** A rung that could not be counted is one failure, told by its reason. */
const failure = (reason: string): Counts => ({
  passes: 0,
  failures: 1,
  pending: 0,
  failed: [reason],
});

/**
 * The rungs in the order they run: cheap ones first, and the last two at once, because the lab waits for pods most of
 * its time. Times are the limit of a whole rung, in minutes.
 */
const rungs = [
  { name: "unit", files: ["dist/test/unit/**/*.test.js"], limit: 5 },
  { name: "graph", files: ["dist/test/graph/**/*.test.js"], limit: 5 },
  { name: "golden", files: ["dist/test/golden/**/*.test.js"], limit: 5 },
  { name: "package", files: ["dist/test/package/**/*.test.js"], limit: 10 },
  { name: "database", files: ["dist/test/database/**/*.test.js"], limit: 40 },
  { name: "lab", files: ["dist/test/lab/**/*.test.js"], limit: 75 },
] as const;

type Rung = (typeof rungs)[number];

/** The rung that runs beside the lab. Its output is shown once it is done. */
const beside = "database";

/** Runs one rung in a mocha process of its own. A rung that ends without counts is one failure. */
async function runRung(rung: Rung, scratch: string, output?: string): Promise<Counts> {
  const countsFile = join(scratch, `${rung.name}.json`);
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
      ...rung.files,
    ],
    {
      reject: false,
      stdin: "ignore",
      ...(output === undefined
        ? { stdout: "inherit", stderr: "inherit" }
        : { stdout: { file: output }, stderr: { file: output } }),
      timeout: rung.limit * 60_000,
      env: { MCP_FLEET_COUNTS: countsFile },
    },
  );
  const ended = mocha.timedOut
    ? `did not end within ${rung.limit} minutes`
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

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/**
 * Without a Kubernetes to run on, the lab rung is one skipped test with its reason; in CI it is a failure, because
 * nothing would show that the whole path works.
 */
async function withoutCluster(): Promise<Counts | undefined> {
  if ((await offeredEngine()) !== undefined) return undefined;
  const reason =
    "this machine offers no Kubernetes (name one in LAB_KUBECONFIG, start a container engine, or run as root on Linux)";
  print(`not run: ${reason}`);
  return process.env.CI === "true"
    ? failure(reason)
    : { passes: 0, failures: 0, pending: 1, failed: [] };
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const scratch = mkdtempSync(join(tmpdir(), "mcp-fleet-test-"));
  const total = { passes: 0, failures: 0, pending: 0, failed: [] as string[] };
  const started = Date.now();
  const count = (rung: Rung, counts: Counts): void => {
    total.passes += counts.passes;
    total.failures += counts.failures;
    total.pending += counts.pending;
    total.failed.push(...counts.failed.map((line) => `${rung.name}: ${line}`));
  };
  const chosen = rungs.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const both = [beside, "lab"].every((name) => chosen.some((rung) => rung.name === name));
  let other: Promise<void> | undefined;
  for (const rung of chosen) {
    if (both && rung.name === beside) {
      const output = join(scratch, `${rung.name}.log`);
      print(`\n== ${rung.name}: beside the next one, shown when it is done ==`);
      other = runRung(rung, scratch, output).then((counts) => {
        print(`\n== ${rung.name} ==\n${readFileSync(output, "utf8")}`);
        count(rung, counts);
      });
      continue;
    }
    print(`\n== ${rung.name} ==`);
    const without = rung.name === "lab" ? await withoutCluster() : undefined;
    count(rung, without ?? (await runRung(rung, scratch)));
  }
  await other;
  rmSync(scratch, { recursive: true, force: true });
  if (total.failed.length > 0) print(`\nfailed:\n  ${total.failed.join("\n  ")}`);
  print(`\ntook ${((Date.now() - started) / 60_000).toFixed(1)} minutes`);
  print(
    total.failures === 0
      ? "Next: `make up` runs the whole thing on this machine; AGENTS.md says what to run for which change."
      : "Next: run one rung again with `node dist/test/run.js <rung>`; each failure's stack is at the end of its rung.",
  );
  const skipped = total.pending > 0 ? `, ${total.pending} skipped` : "";
  print(`${total.passes} passed, ${total.failures} failed${skipped}`);
  process.exitCode = total.failures === 0 ? 0 : 1;
}

void main();
