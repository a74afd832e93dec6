import { nameOf } from "@mcp-fleet/engine";
import { UserError } from "@mcp-fleet/errors";

import { table } from "../cli/terminal";
import { clusterStatus } from "./cluster";
import type { Log } from "./log";
import { openLab } from "./session";

/** What the next `make up` would change: rows, as the program reports them, then resources. Nothing is written. */
export async function preview(log: Log): Promise<void> {
  if (!(await clusterStatus()).running) {
    throw new UserError(
      "The lab is not running.",
      "Start it with `make up`, then preview changes.",
    );
  }
  const lab = await openLab({}, log);
  const result = await log.step("Previewing target in-cluster", () => lab.preview("in-cluster"));
  const changes = result.changes.filter((change) => change.op !== "same");
  for (const warning of result.warnings) log.warn(warning);
  for (const note of result.notes) print(`\n${note}`);
  print(`\n${changes.length} of ${result.changes.length} resources would change`);
  if (changes.length === 0) return;
  const rows = changes.map((change) => [change.op, nameOf(change)]);
  print(table(["what", "resource"], rows));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
