import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";

import { paths } from "../../../lab/paths";

/**
 * Nothing of the machine's own shows through: no engine on PATH, no root, no variable and no cache of the lab's. Asked in
 * a process of its own, because a lab may be running here, and its lock and its state are this machine's.
 */
describe("a machine without a Kubernetes for the lab", () => {
  const empty = mkdtempSync(join(tmpdir(), "mcp-fleet-path-"));
  after(() => rmSync(empty, { recursive: true, force: true }));

  /** What a function of `lab/cluster` answers there, or the fix of the error that it throws. */
  async function asked(call: string, env: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const module = (name: string): string => JSON.stringify(join(paths.projectDir, "dist", name));
    const program = `
      process.getuid = () => 1000;
      const { silentLog } = require(${module("lab/log.js")});
      const { ensureCluster, offeredEngine } = require(${module("lab/cluster")});
      ${call}.then(
        (answer) => ({ answer }),
        (error) => ({ fix: error.name === "UserError" ? error.fix : String(error) }),
      ).then((said) => process.stdout.write(JSON.stringify(said)));`;
    const { stdout } = await execa(process.execPath, ["-e", program], {
      env: { PATH: empty, HOME: empty, MCP_FLEET_CACHE: join(empty, "cache"), ...env },
      extendEnv: false,
      timeout: 20_000,
    });
    return JSON.parse(stdout);
  }

  it("is told the three choices in one message", async () => {
    const { fix = "" } = (await asked("ensureCluster(silentLog)")) as { fix?: string };
    for (const choice of ["LAB_KUBECONFIG", "Docker", "root on Linux"]) {
      assert.ok(fix.includes(choice), `${choice} is not among the choices: ${fix}`);
    }
  });

  it("does not take the cluster that KUBECONFIG happens to name", async () => {
    const env = { KUBECONFIG: join(empty, "somebody-elses") };
    assert.deepEqual(await asked("offeredEngine()", env), {});
  });

  it("takes a cluster that is named for it", async () => {
    const env = { LAB_KUBECONFIG: join(empty, "mine") };
    assert.deepEqual(await asked("offeredEngine()", env), { answer: "given" });
  });
});
