import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { add, type Counts, failure, none } from "./run/counts";
import { noLab, runLab } from "./run/lab";
import { type Part, runMocha } from "./run/mocha";

/** The rungs in the order they run: cheap ones first. The last two run beside each other. */
const rungs = ["unit", "graph", "golden", "package", "database", "lab"] as const;
type Rung = (typeof rungs)[number];

/** Minutes a rung may take. */
const limits: Partial<Record<Rung, number>> = { unit: 10, package: 10, database: 40 };

const partOf = (name: Rung): Part => ({
  name,
  files: [`dist/test/${name}/**/*.test.js`],
  limit: limits[name] ?? 5,
});

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The lab rung, and the database rung in its streams where both are wanted. */
async function lab(scratch: string, beside: readonly Rung[]): Promise<Counts> {
  const reason = await noLab();
  const parts = beside.map(partOf);
  if (reason === undefined) {
    print(`\n== ${[...beside, "lab"].join(", ")}: each part is shown once it is done ==`);
    return runLab(scratch, parts, print);
  }
  print(`not run: ${reason}`);
  const without = process.env.CI === "true" ? failure(reason) : { ...none, pending: 1 };
  let total = add(none, "lab", without);
  for (const part of parts) total = add(total, part.name, await runMocha(part, { scratch }));
  return total;
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const scratch = mkdtempSync(join(tmpdir(), "mcp-fleet-test-"));
  const started = Date.now();
  const chosen = rungs.filter((name) => wanted.length === 0 || wanted.includes(name));
  const beside = chosen.filter((name) => name === "database" && chosen.includes("lab"));
  let total = none;
  for (const name of chosen.filter((one) => !beside.includes(one))) {
    if (name === "lab") {
      const counts = await lab(scratch, beside);
      total = add(total, "lab", counts);
      continue;
    }
    print(`\n== ${name} ==`);
    total = add(total, name, await runMocha(partOf(name), { scratch }));
  }
  rmSync(scratch, { recursive: true, force: true });
  if (total.failed.length > 0) print(`\nfailed:\n  ${total.failed.join("\n  ")}`);
  print(`\ntook ${((Date.now() - started) / 60_000).toFixed(1)} minutes`);
  print(
    total.failures === 0
      ? "Next: `make up` runs the whole thing on this machine; AGENTS.md says what to run for which change."
      : "Next: run one rung again with `node dist/test/run.js <rung>`; each failure's stack is at the end of its part.",
  );
  const skipped = total.pending > 0 ? `, ${total.pending} skipped` : "";
  print(`${total.passes} passed, ${total.failures} failed${skipped}`);
  process.exitCode = total.failures === 0 ? 0 : 1;
}

void main();
