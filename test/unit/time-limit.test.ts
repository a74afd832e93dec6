import assert from "node:assert/strict";

import { timeLimit } from "@mcp-fleet/errors";
import { probeAll } from "@mcp-fleet/mcp-probe";

describe("a limit of time", () => {
  it("may be any number of seconds: a product with a fraction of a millisecond, a rest below 0", async () => {
    // 2.01 * 1000 is 2009.9999999999998.
    assert.equal(timeLimit(2.01).aborted, false);
    const over = timeLimit(-0.5);
    await new Promise((resolve) => over.addEventListener("abort", resolve));
    assert.equal(over.aborted, true);
  });

  it("ends a probe whose deadline is such a number", async () => {
    const targets = [{ name: "none", url: "http://127.0.0.1:1/mcp" }];
    const [result] = await probeAll(targets, { deadlineSeconds: 1.001, retryDelaySeconds: 5 });
    assert.equal(result?.ok, false);
  });
});
