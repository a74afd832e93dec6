import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isUserError } from "@mcp-fleet/errors";

import { ensureCluster, offeredEngine } from "../../../lab/cluster";
import { silentLog } from "../../../lab/log";

/** Nothing of the machine's own shows through: no engine on PATH, no variable of the lab's. */
describe("a machine without a Kubernetes for the lab", () => {
  const own = { ...process.env };
  const getuid = process.getuid;
  let empty: string;

  beforeEach(() => {
    empty = mkdtempSync(join(tmpdir(), "mcp-fleet-path-"));
    for (const name of ["LAB_KUBECONFIG", "LAB_CONTEXT", "LAB_ENGINE", "DOCKER_HOST"]) {
      delete process.env[name];
    }
    process.env.PATH = empty;
    process.getuid = () => 1000;
  });

  afterEach(() => {
    process.env = { ...own };
    if (getuid !== undefined) process.getuid = getuid;
    rmSync(empty, { recursive: true, force: true });
  });

  it("is told the three choices in one message", async function () {
    if ((await offeredEngine()) !== undefined) {
      process.stdout.write("    skipped: a lab cluster runs on this machine\n");
      this.skip();
    }
    await assert.rejects(ensureCluster(silentLog), (error: unknown) => {
      assert.ok(isUserError(error));
      for (const choice of ["LAB_KUBECONFIG", "Docker", "root on Linux"]) {
        assert.ok(error.fix.includes(choice), `${choice} is not among the choices: ${error.fix}`);
      }
      return true;
    });
  });

  it("does not take the cluster that KUBECONFIG happens to name", async () => {
    process.env.KUBECONFIG = join(empty, "somebody-elses");
    assert.equal(await offeredEngine(), undefined);
  });

  it("takes a cluster that is named for it", async () => {
    process.env.LAB_KUBECONFIG = join(empty, "mine");
    assert.equal(await offeredEngine(), "given");
  });
});
