import assert from "node:assert/strict";
import { join } from "node:path";

import { compareFootprints, footprint } from "../../lab/cluster/footprint";
import { run } from "../../lab/exec";
import { paths } from "../../lab/paths";
import { machineBefore } from "../support/machine";

describe("the machine, after make down", () => {
  it("has no process, mount, interface, route, rule or cgroup of the lab", async function () {
    this.timeout(180_000);
    const before = await machineBefore();
    if (before === undefined) {
      process.stdout.write(
        "    skipped: a lab was running before the tests, and is left running\n",
      );
      this.skip();
    }
    const during = compareFootprints(before, await footprint());
    assert.notEqual(during.length, 0, "nothing is seen of a running lab: the check is blind");
    await run(process.execPath, [join(paths.projectDir, "dist", "lab", "main.js"), "down"], {
      timeoutSeconds: 120,
    });
    const left = compareFootprints(before, await footprint());
    // What an earlier, killed lab left and this one tidied away is no fault of it.
    assert.deepEqual(
      left.filter((line) => line.startsWith("+")),
      [],
    );
  });
});
