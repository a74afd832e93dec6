import assert from "node:assert/strict";

import { isolationOf, type StrangerReport } from "@mcp-fleet/cutover-runner";

const here = "a pod without labels in namespace llmctl";
const port = (reachable: boolean): StrangerReport["results"][number] => ({
  ...{ name: "llmctl-mcp-github", at: "10.1.0.7:8000" },
  reachable,
});

describe("whether NetworkPolicies are enforced", () => {
  it("is what strangers reached", () => {
    const shut = isolationOf([{ from: here, results: [port(false)] }]);
    assert.equal(shut.enforced, "yes");
    assert.equal(
      shut.reason,
      `None of 1 ports of the fleet's pods took a connection from ${here}.`,
    );
    const open = isolationOf([
      { from: here, results: [port(false)] },
      { from: "a pod without labels in namespace default", results: [port(true)] },
    ]);
    assert.equal(open.enforced, "no");
    assert.match(open.reason, /llmctl-mcp-github \(10\.1\.0\.7:8000\) from a pod .* default/);
  });

  it("is unknown where nobody could try, or there was nothing to try", () => {
    assert.equal(isolationOf([{ from: here, results: [] }]).enforced, "unknown");
    const failed = isolationOf([{ from: here, results: [], problem: "No right to make Jobs." }]);
    assert.deepEqual([failed.enforced, failed.reason], ["unknown", "No right to make Jobs."]);
  });
});
