import assert from "node:assert/strict";

import { chartPairs } from "../support/charts";
import { findHelm } from "../support/helm";

describe("the Helm charts of the mesh", () => {
  it("render, for the same settings, what the components declare", async function () {
    const found = await findHelm();
    if (typeof found === "string") {
      process.stdout.write(`    skipped: ${found}\n`);
      this.skip();
    }
    this.timeout(60_000);
    const pairs = await chartPairs(found.helm);
    assert.ok(pairs.length > 25, `only ${pairs.length} objects`);
    for (const { name, component, chart } of pairs) assert.deepEqual(chart, component, name);
  });
});
