import type { Problem } from "../problems";
import type { StackSettings } from "../stack";

/** Keys that are required because of other keys. */
export function missing(settings: StackSettings, hasDatabaseUrl: boolean): Problem[] {
  const problems: Problem[] = [];
  if (settings.cutover.enabled && !hasDatabaseUrl) {
    problems.push({
      path: "databaseUrl",
      problem: "is missing.",
      fix: "Set it with: pulumi config set --secret databaseUrl postgresql://user:password@host:5432/database",
    });
  }
  if (settings.cutover.enabled && settings.cutover.fence && !settings.studio.enabled) {
    problems.push({
      path: "cutover.fence",
      problem:
        "would never be removed: that happens after the rollout of Studio, which this stack omits.",
      fix: "Set cutover.fence to false and see to it that no old pod writes the rows back, or let this stack deploy Studio.",
    });
  }
  const probes = settings.cutover.enabled && settings.target === "in-cluster";
  if (probes && settings.probe.from === "cluster" && settings.probe.image === undefined) {
    problems.push({
      path: "probe.image",
      problem: "is missing.",
      fix: 'Set it to the image built from images/probe, or set probe.from to "here".',
    });
  }
  if (settings.observability.exporter !== undefined && !settings.cutover.enabled) {
    problems.push({
      path: "observability.exporter",
      problem: "has nothing to check: it compares rows with their cutover, which this stack omits.",
      fix: "Remove it, or set cutover.enabled to true; observability.observer reports on the pods alone.",
    });
  }
  if (settings.database.manage !== undefined && settings.database.connect !== "direct") {
    problems.push({
      path: "database.manage",
      problem: "needs a direct connection to the database.",
      fix: 'Set database.connect to "direct", or make the role by hand and remove database.manage.',
    });
  }
  return problems;
}
