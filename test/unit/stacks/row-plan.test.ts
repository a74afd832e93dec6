import assert from "node:assert/strict";

import { describePlan } from "../../../stacks/row-plan";

describe("the row plan of a preview", () => {
  it("names each row that changes, from what to what, and what goes", () => {
    const { lines, known } = describePlan({
      target: "in-cluster",
      generation: 1,
      hash: "h",
      noop: false,
      size: { rows: 0, lockSeconds: 0, walBytes: 0 },
      warnings: ["the role may not create triggers"],
      changes: [
        {
          key: "github",
          action: "rewrite",
          from: "stdio mcp-server-github",
          to: "http://x/mcp",
          drops: ["env"],
        },
        { key: "jira", action: "merge", also: ["2 references move to atlassian"] },
        { key: "chroma", action: "unchanged" },
      ],
    });
    assert.ok(known);
    assert.deepEqual(lines, [
      "Rows: 2 to change towards in-cluster:",
      "  rewrite github: stdio mcp-server-github -> http://x/mcp; drops env",
      "  merge jira; also 2 references move to atlassian",
      "  warning: the role may not create triggers",
    ]);
  });

  it("says when nothing changes, and when nothing can be known", () => {
    const nothing = {
      target: "embedded" as const,
      generation: 4,
      hash: "h",
      size: { rows: 0, lockSeconds: 0, walBytes: 0 },
      changes: [],
      warnings: [],
    };
    assert.deepEqual(describePlan({ ...nothing, noop: true }).lines, [
      "Rows: nothing to change, generation 4 stays.",
    ]);
    const unknown = describePlan({ unreachable: "the database did not answer." });
    assert.equal(unknown.known, false);
    assert.deepEqual(unknown.lines, [
      "What happens to the rows is not known: the database did not answer.",
    ]);
  });
});
