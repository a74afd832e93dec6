import { strict as assert } from "node:assert";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type MetricDefinition, metrics, observerMetrics } from "@mcp-fleet/metrics";
import { stringify } from "yaml";

import { alertGroups, dashboards } from "../../../components/observability";
import { run } from "../../../lab/exec";
import { paths } from "../../../lab/paths";
import { panelExpressions } from "../../support/dashboards";
import { prometheusTools } from "../../support/prometheus";
import { selectorsOf, usedSelectors } from "../../support/promql";

const known = new Map<string, MetricDefinition>(
  [...Object.values(metrics), ...Object.values(observerMetrics)].map((one) => [one.name, one]),
);
const ruleExpressions = alertGroups().flatMap((group) => group.rules.map((rule) => rule.expr));

describe("expressions of alerts and dashboards", () => {
  it("use only metrics that the exporter or the observer writes", () => {
    // Nothing from kube-state-metrics, cert-manager or similar: a fleet is observed without them.
    const used = usedSelectors();
    for (const { metric, where } of used) assert.ok(known.has(metric), `${metric} in ${where}`);
    for (const expr of [...ruleExpressions, ...panelExpressions().map((one) => one.expr)]) {
      assert.ok(selectorsOf(expr).length > 0, `${expr} uses no metric`);
    }
  });

  it("leave out no metric: what is measured is shown or watched", () => {
    const used = new Set(usedSelectors().map(({ metric }) => metric));
    for (const name of known.keys()) assert.ok(used.has(name), `${name} is used nowhere`);
  });

  it("of the panels are PromQL that Prometheus takes", async function () {
    this.timeout(240_000);
    const tools = await prometheusTools();
    if (typeof tools === "string") {
      process.stdout.write(`    skipped: ${tools}\n`);
      this.skip();
    }
    const dir = await mkdtemp(join(tmpdir(), "mcp-fleet-panels-"));
    try {
      const rules = panelExpressions().map(({ expr }, index) => ({
        record: `panel_${index}`,
        expr,
      }));
      await writeFile(join(dir, "panels.yaml"), stringify({ groups: [{ name: "panels", rules }] }));
      await run(tools.promtool, ["check", "rules", "panels.yaml"], { cwd: dir });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});

describe("dashboards", () => {
  it("have ids of their own, panels that lie within 24 columns, and no panel without a query", () => {
    const all = Object.values(dashboards());
    assert.equal(new Set(all.map((one) => one.uid)).size, all.length);
    for (const { panels = [] } of all) {
      for (const panel of panels) {
        if (!("targets" in panel)) continue;
        assert.ok((panel.targets ?? []).length > 0, panel.title);
        const { x = 0, w = 0 } = panel.gridPos ?? {};
        assert.ok(x + w <= 24, `${panel.title} ends at column ${x + w}`);
      }
    }
  });
});

describe("docs/observability.md", () => {
  it("has a line for each alert", async () => {
    const text = await readFile(join(paths.projectDir, "docs/observability.md"), "utf8");
    for (const { alert } of alertGroups().flatMap((group) => group.rules)) {
      assert.ok(text.includes(`\`${alert}\``), alert);
    }
  });
});
