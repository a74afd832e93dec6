import { type CutoverInputs, previewRows } from "@mcp-fleet/cutover-runner";
import { UserError } from "@mcp-fleet/errors";

import { clusterStatus } from "./cluster";
import type { Log } from "./log";
import { openLab } from "./session";
import { table } from "./table";

/** What the next `make up` would change: resources first, then each row. Nothing is written. */
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
  print(`Engine: ${lab.engine.name}`);
  print(`\n${changes.length} of ${result.changes.length} resources would change`);
  if (changes.length > 0) {
    print(
      table(
        ["what", "type", "name"],
        changes.map(({ op, type, urn }) => [
          op,
          type.split(":").at(-1) ?? "",
          urn.split("::").at(-1) ?? "",
        ]),
      ),
    );
  }
  for (const warning of result.warnings) print(`warning: ${warning}`);
  const cutover = result.registered.find((resource) => resource.type.endsWith(":Cutover"));
  if (cutover !== undefined) {
    await printRows(cutover.inputs as unknown as CutoverInputs, {
      databaseUrl: lab.facts.databaseUrl,
      kubeconfig: lab.facts.kubeconfig,
    });
  }
}

async function printRows(
  inputs: CutoverInputs,
  credentials: { databaseUrl: string; kubeconfig: string },
): Promise<void> {
  const plan = await previewRows(inputs, credentials);
  if ("unreachable" in plan) {
    print(`\nRows: unknown (${plan.unreachable})`);
    return;
  }
  print(plan.noop ? "\nRows: nothing to do" : `\nRows, as generation ${plan.generation}`);
  print(
    table(
      ["row", "what", "from", "to", "also"],
      plan.changes.map((change) => [
        change.key,
        change.action,
        change.from ?? "",
        change.to ?? "",
        [
          ...(change.drops === undefined ? [] : [`drops ${change.drops.join(", ")}`]),
          ...(change.also ?? []),
        ].join("; "),
      ]),
    ),
  );
  for (const warning of plan.warnings) print(`warning: ${warning}`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
