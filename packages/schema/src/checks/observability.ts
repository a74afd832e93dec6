import type { Problem } from "../problems";
import type { StackSettings } from "../stack";

/** Metrics reveal the servers and their state, so the scrapers must be named; `{}` allows everybody. */
export function scraperProblems({ observability, network }: StackSettings): Problem[] {
  const { enabled, observer, exporter, scrapers } = observability;
  const serves = observer !== undefined || exporter !== undefined;
  if (!enabled || !serves || scrapers !== undefined || network.isolate === "none") return [];
  return [
    {
      path: "observability.scrapers",
      problem: "is not set, so it is not known whose pods may read the metrics.",
      fix: "Name Prometheus' namespace by its labels: pulumi config set --path 'observability.scrapers[\"kubernetes.io/metadata.name\"]' monitoring (or set it to {} for every pod of every namespace)",
    },
  ];
}
