import { parser } from "@prometheus-io/lezer-promql";

import { alertGroups } from "../../components/observability";
import { panelExpressions } from "./dashboards";

const strict = parser.configure({ strict: true });

/** A selector in an expression: `up{job="x"}`. */
export interface Selector {
  readonly metric: string;
  readonly text: string;
}

/**
 * Every selector in a PromQL expression, without ranges.
 * @throws SyntaxError for invalid PromQL
 */
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

/** A selector of ours and the place of its expression. */
export interface Used extends Selector {
  readonly where: string;
}

/**
 * Every selector in an alert's rule or a dashboard's panel.
 * @param values of Grafana's variables, by name
 */
export function usedSelectors(values: Readonly<Record<string, string>> = {}): Used[] {
  const rules = alertGroups()
    .flatMap((group) => group.rules)
    .map(({ alert, expr }) => ({ where: `alert ${alert}`, expr }));
  return [...rules, ...panelExpressions(values)].flatMap(({ where, expr }) =>
    selectorsOf(expr).map((selector) => ({ ...selector, where })),
  );
}
