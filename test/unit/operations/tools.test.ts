import assert from "node:assert/strict";

import { compareTools } from "@mcp-fleet/operations";

describe("tools since the cutover", () => {
  it("are the same in another order", () => {
    assert.deepEqual(compareTools(["a_tool", "b_tool"], ["b_tool", "a_tool"]), {
      missing: [],
      renamed: [],
      added: [],
    });
  });

  it("may be missing, new or renamed", () => {
    assert.deepEqual(
      compareTools(
        ["jira_get_issue", "create_issue", "get_me", "search"],
        ["jira-get-issue", "github_create_issue", "get_us", "search"],
      ),
      {
        missing: ["get_me"],
        renamed: [
          { from: "jira_get_issue", to: "jira-get-issue" },
          { from: "create_issue", to: "github_create_issue" },
        ],
        added: ["get_us"],
      },
    );
  });

  it("are not guessed where two names fit", () => {
    const found = compareTools(["create_issue"], ["github_create_issue", "jira_create_issue"]);
    assert.deepEqual(found.missing, ["create_issue"]);
    assert.deepEqual(found.renamed, []);
  });

  it("do not match by a short name", () => {
    assert.deepEqual(compareTools(["get"], ["get_issue"]).missing, ["get"]);
  });

  it("does not compare each with each of thousands", () => {
    const names = (prefix: string): string[] =>
      Array.from({ length: 10_000 }, (_, n) => `${prefix}_tool_${n}`);
    const started = performance.now();
    const { missing, renamed, added } = compareTools(names("before"), names("after"));
    assert.ok(performance.now() - started < 2000);
    assert.deepEqual([missing.length, renamed.length, added.length], [10_000, 0, 10_000]);
  });
});
