import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { clusterStatus } from "../../lab/cluster";
import { compareFootprints, footprint } from "../../lab/cluster/footprint";
import { bridgeName } from "../../lab/cluster/network";
import { run } from "../../lab/exec";
import { paths } from "../../lab/paths";
import { machineBefore } from "../support/machine";

describe("the machine, after make down", () => {
  it("still has the lab of another cache", async function () {
    this.timeout(120_000);
    const { running, engine } = await clusterStatus();
    if (!running || engine !== "bare") {
      process.stdout.write("    skipped: no bare cluster runs, whose interface could be taken\n");
      this.skip();
    }
    const other = mkdtempSync(join(tmpdir(), "mcp-fleet-other-"));
    const before = await footprint();
    try {
      const program = join(paths.projectDir, "dist", "lab", "cluster", "cli.js");
      await run(process.execPath, [program, "down"], { env: { MCP_FLEET_CACHE: other } });
      const { links } = await footprint();
      const own = before.links.filter((link) => link.startsWith(bridgeName));
      assert.equal(own.length, 1);
      assert.deepEqual(
        own.filter((link) => !links.includes(link)),
        [],
      );
      assert.equal((await clusterStatus()).running, true);
    } finally {
      rmSync(other, { recursive: true });
    }
  });

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
    // Leftovers of an earlier, killed lab that this one removed do not count.
    assert.deepEqual(
      left.filter((line) => line.startsWith("+")),
      [],
    );
  });
});
