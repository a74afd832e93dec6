import assert from "node:assert/strict";

import { clockFinding } from "@mcp-fleet/operations/dist/doctor/clock";

describe("two clocks", () => {
  const at = Date.parse("2026-11-28T12:00:00Z");
  const state = (seconds: number): string =>
    clockFinding("clock", "Theirs", {
      ...{ there: at + seconds * 1000, before: at, after: at + 400 },
    }).state;

  it("agree within what a reading to the second can tell, are noticed, then refused", () => {
    const states = [-1, 0, 5, -7, 10, -62, 90].map((seconds) => state(seconds));
    assert.deepEqual(states, ["ok", "ok", "ok", "warn", "warn", "fail", "fail"]);
  });
});
