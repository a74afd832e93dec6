import { parser } from "@prometheus-io/lezer-promql";

import { alertGroups } from "../../components/observability";
import { panelExpressions } from "./dashboards";

const strict = parser.configure({ strict: true });

/** A choice of series in an expression: `up{job="x"}`. */
export interface Selector {
  readonly metric: string;
  readonly text: string;
}

/** Every choice of series in a PromQL expression, without ranges. @throws SyntaxError for what is no PromQL */
export function selectorsOf(expression: string): Selector[] {
  const found: Selector[] = [];
  strict.parse(expression).iterate({
    enter({ name, from, to, node }) {
      if (name !== "VectorSelector") return;
      const metric = node.getChild("Identifier");
      const text = expression.slice(from, to);
      found.push({ text, metric: metric === null ? "" : expression.slice(metric.from, metric.to) });
    },
  });
  return found;
}

/** Where an expression of ours is, and what of it Prometheus has to know. */
export interface Used extends Selector {
  readonly where: string;
}

/**
 * Every choice of series in an alert's rule or a dashboard's panel.
 * @param values what is chosen for Grafana's variables, by name
 */
export function usedSelectors(values: Readonly<Record<string, string>> = {}): Used[] {
  const rules = alertGroups()
    .flatMap((group) => group.rules)
    .map(({ alert, expr }) => ({ where: `alert ${alert}`, expr }));
  return [...rules, ...panelExpressions(values)].flatMap(({ where, expr }) =>
    selectorsOf(expr).map((selector) => ({ ...selector, where })),
  );
}
