import assert from "node:assert/strict";

import { type CutoverReport, reportHtml, verdictOf } from "@mcp-fleet/operations";
import { marksOf } from "@mcp-fleet/operations/dist/report-timeline";

import { sampleReport } from "../../support/sample-report";

const report: CutoverReport = {
  ...sampleReport,
  cutover: "mcp-fleet/<script>",
  run: { ...sampleReport.run, who: 'a"b@host' },
};

/** What a reader sees before the first heading. */
const firstScreen = (html: string): string =>
  html.slice(html.indexOf("<body>"), html.indexOf("<h2>"));

describe("report", () => {
  const html = reportHtml(report);

  it("is one page that loads nothing and runs nothing", () => {
    assert.ok(!/<script|<link|src=|href=|url\(|@import/i.test(html));
    assert.ok(html.includes("mcp-fleet/&#60;script&#62;") && html.includes("a&#34;b@host"));
  });

  it("begins with the verdict and what to do next, as commands that can be pasted", () => {
    const first = firstScreen(html);
    assert.match(first, /^<body>\n<div class="verdict good">/);
    assert.match(first, /<h1>Cut over: 5 rows written, which lead to the servers.* is settled/);
    assert.match(first, /<code>mcp-fleet rollback --stack prod<\/code>/);
  });

  it("labels the commit, and keeps hashes away from the first screen", () => {
    const first = firstScreen(html);
    assert.match(first, /<dt>Commit of the program<\/dt><dd>7626a6d1c0de<\/dd>/);
    assert.doesNotMatch(first, /[0-9a-f]{40}/);
    assert.match(html.slice(html.indexOf("<details>")), new RegExp(report.run.planHash));
  });

  it("counts seconds from the run's start, and gives a pod of before no bar", () => {
    assert.match(html, /Seconds from the start of the run, 2026-11-28T10:00:00\.000Z/);
    for (const part of [
      ">12.0 s – 17.0 s<",
      ">18.2 s<",
      "There before the run: pod llmctl-mcp-chroma-7c9d-old.",
      ">0 s</span>",
    ])
      assert.ok(html.includes(part), part);
    assert.doesNotMatch(html, /\d{4,}\.\d s/);
  });

  it("shows rows, tools and what was held off", () => {
    for (const part of ["get_me", "•••", "held off 4 writes"]) assert.ok(html.includes(part), part);
  });

  it("shows the protocol version of each server, with its consumer where they differ", () => {
    const cell = (value: string): string => `<td data-label="MCP version agreed on">${value}</td>`;
    assert.ok(html.includes(cell("2025-11-25")));
    assert.ok(html.includes(cell("web: 2025-11-25, executor: 2026-07-28")));
  });

  it("shows the images that the servers ran, each with its digest; a container whose pods differ has both", () => {
    const rows = html.match(
      /<tr><td data-label="Server">[^<]+<\/td><td data-label="Container">.*<\/tr>/g,
    );
    assert.equal(rows?.length, 3);
    for (const image of [`sha256:${"4f".repeat(32)}`, `sha256:${"5a".repeat(32)}`])
      assert.ok(rows?.some((row) => row.includes(`>github<`) && row.includes(image)));
  });

  it("has an axis of round seconds", () => {
    assert.deepEqual(marksOf(61.3), [0, 20, 40, 60]);
    assert.deepEqual(marksOf(30), [0, 5, 10, 15, 20, 25, 30]);
    assert.deepEqual(marksOf(1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  });
});

describe("report: the verdict", () => {
  const { settledAt, ...open } = sampleReport.run;
  const failing = {
    ...{
      name: "github",
      namespace: "llmctl",
      kind: "Deployment" as const,
      workload: "llmctl-mcp-github",
      services: [],
    },
    ...{ status: "failed" as const, reason: "pod x cannot pull its image y" },
    ...{ replicas: 1, readyReplicas: 1, endpoints: [], obstacles: [] },
  };
  const cases: [string, CutoverReport, string, RegExp, RegExp | undefined][] = [
    ["a settled one", sampleReport, "good", /It is settled/, /mcp-fleet verify --stack prod/],
    [
      "one that is not settled",
      { ...sampleReport, run: open },
      "open",
      /rollout has not ended: old pods or the write fence/,
      /pulumi up --stack prod/,
    ],
    [
      "a server that fails now",
      { ...sampleReport, servers: [failing] },
      "bad",
      /It settled, but now github is failed/,
      /mcp-fleet status github -n llmctl/,
    ],
    [
      "one that a later run followed",
      { ...sampleReport, newest: 4 },
      "past",
      /Generation 3 was followed by generation 4/,
      /--generation 4/,
    ],
    [
      "one back",
      { ...sampleReport, run: { ...sampleReport.run, target: "embedded", counts: { restore: 1 } } },
      "good",
      /^Taken back: 1 row written/,
      /mcp-fleet verify/,
    ],
  ];
  for (const [name, given, state, said, command] of cases) {
    it(name, () => {
      const verdict = verdictOf(given);
      assert.equal(verdict.state, state);
      assert.match(verdict.text, said);
      assert.match(verdict.next[0]?.command ?? "", command ?? /^$/);
    });
  }

  it("names no way back where there is none", () => {
    const run = { ...sampleReport.run, finalizedAt: settledAt ?? "" };
    const { next } = verdictOf({ ...sampleReport, run });
    assert.ok(next.every(({ command = "" }) => !command.includes("rollback")));
  });
});
