import assert from "node:assert/strict";

import { type CutoverReport, reportHtml } from "@mcp-fleet/operations";

const report: CutoverReport = {
  cutover: "mcp-fleet/<script>",
  run: {
    generation: 3,
    target: "in-cluster",
    planHash: "h",
    runId: "r",
    committedAt: "2026-01-01T00:00:10.000Z",
    settledAt: "2026-01-01T00:00:30.000Z",
    who: 'a"b@host',
    stack: "mcp-fleet/x",
    toolVersion: "1",
    counts: { rewrite: 1 },
    fenced: true,
    fencedWrites: 4,
    tools: { github: ["get_me"] },
  },
  rows: [{ key: "github", action: "rewrite", from: "stdio x", before: { env: { T: "•••" } } }],
  timeline: [
    {
      phase: "probe",
      what: "probe from web",
      from: "2026-01-01T00:00:00Z",
      to: "2026-01-01T00:00:05Z",
    },
    { phase: "rows", what: "transaction committed", from: "2026-01-01T00:00:10Z" },
  ],
  gaps: [],
};

describe("report", () => {
  const html = reportHtml(report);

  it("is one page that loads nothing and runs nothing", () => {
    assert.ok(!/<script|<link|src=|href=|url\(|@import/i.test(html));
    assert.ok(html.includes("mcp-fleet/&#60;script&#62;") && html.includes("a&#34;b@host"));
  });

  it("shows rows, tools and times", () => {
    for (const part of ["get_me", "•••", "held off 4 writes", ">5.0 s<", ">+10.0 s<"])
      assert.ok(html.includes(part), part);
  });
});
