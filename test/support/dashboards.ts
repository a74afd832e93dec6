import { dashboards } from "../../components/observability";

/** A panel's query. */
export interface PanelExpression {
  readonly where: string;
  readonly expr: string;
}

/**
 * Every query of every panel, with a value in place of each of Grafana's variables: all namespaces, and what is given.
 * @param values by the variable's name. @default "x" for each
 */
export function panelExpressions(values: Readonly<Record<string, string>> = {}): PanelExpression[] {
  return Object.values(dashboards()).flatMap(({ title, panels = [] }) =>
    panels.flatMap((panel) => {
      const targets = "targets" in panel ? (panel.targets ?? []) : [];
      return targets.map((target) => ({
        where: `panel ${panel.title} of ${title}`,
        expr: filled(String((target as { expr?: unknown }).expr), values),
      }));
    }),
  );
}

/** A query with a value in place of each of Grafana's variables. */
export function filled(expr: string, values: Readonly<Record<string, string>>): string {
  return expr.replace(
    /\$(\w+)/g,
    (_, name: string) => values[name] ?? (name === "namespace" ? ".*" : "x"),
  );
}
