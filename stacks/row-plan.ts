import { previewRows } from "@mcp-fleet/cutover-runner";
import { cleanText } from "@mcp-fleet/errors";
import * as pulumi from "@pulumi/pulumi";

import type { CutoverArgs, RowPlan } from "../components/cutover";
import type { StackConfig } from "./config";

type Plan = RowPlan | { readonly unreachable: string };

/**
 * In a preview, shows what the run would do to each row. A database that does not answer within seconds is a
 * warning: a preview must not depend on it. `mcp-fleet grants` and `doctor` skip it, because they report the
 * missing rights that would stop it.
 */
export function showRowPlan(
  config: StackConfig,
  args: CutoverArgs,
  databaseUrl: pulumi.Output<string>,
  resource: pulumi.Resource,
): void {
  if (!pulumi.runtime.isDryRun() || process.env.MCP_FLEET_SKIP_ROW_PLAN === "1") return;
  const { kubeconfig } = config.kubernetes;
  // The new role owns the ledger, so the admin may not read it.
  const own =
    args.credentials === undefined
      ? databaseUrl
      : pulumi.output(args.credentials).apply((credentials) => credentials.databaseUrl);
  void sayUnknown(own, resource);
  own.apply(async (url) => {
    const plan: Plan = await previewRows(args, {
      databaseUrl: url,
      kubeconfig,
    });
    const { lines, known } = describePlan(plan);
    await (known ? pulumi.log.info : pulumi.log.warn)(cleanText(lines.join("\n")), resource);
  });
}

/** A preview does not call `apply` of an output with an unknown value. The SDK does not declare `isKnown`. */
async function sayUnknown(url: pulumi.Output<string>, resource: pulumi.Resource): Promise<void> {
  const { isKnown } = url as unknown as { readonly isKnown?: Promise<boolean> };
  if ((await isKnown) !== false) return;
  const unreachable = "The database role for the cutover is not made yet";
  await pulumi.log.warn(cleanText(describePlan({ unreachable }).lines.join("\n")), resource);
}

/** A row plan as lines of text: keys, commands, URLs and names of dropped keys, never a value. */
export function describePlan(plan: Plan): { readonly lines: string[]; readonly known: boolean } {
  if ("unreachable" in plan) {
    const reason = plan.unreachable.replace(/\.$/, "");
    return { known: false, lines: [`What happens to the rows is not known: ${reason}.`] };
  }
  const changes = plan.changes
    .filter((change) => change.action !== "unchanged")
    .map((change) => {
      const way = [change.from, change.to].filter((side) => side !== undefined).join(" -> ");
      const drops = change.drops ?? [];
      const also = change.also ?? [];
      return [
        `  ${change.action} ${change.key}`,
        way === "" ? "" : `: ${way}`,
        drops.length === 0 ? "" : `; drops ${drops.join(", ")}`,
        also.length === 0 ? "" : `; also ${also.join(", ")}`,
      ].join("");
    });
  const head = plan.noop
    ? `Rows: nothing to change, generation ${plan.generation} stays.`
    : `Rows: ${changes.length} to change towards ${plan.target}:`;
  return {
    known: true,
    lines: [head, ...changes, ...plan.warnings.map((warning) => `  warning: ${warning}`)],
  };
}
