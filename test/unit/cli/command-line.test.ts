import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { mcpFleet } from "../../support/cli";

describe("mcp-fleet, the command line", () => {
  it("shows its commands and ends well", async () => {
    const { exitCode, stdout } = await mcpFleet(["--help"]);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^Usage: mcp-fleet \[options\] \[command\]/);
    assert.match(stdout, /\n {2}list /);
  });

  it("refuses an unknown command, option or form with the code for usage", async () => {
    for (const args of [["lisst"], ["list", "--wat"], ["list", "-o", "xml"]]) {
      const { exitCode, stdout, stderr } = await mcpFleet(args);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, /^error: /);
      assert.equal(stdout, "");
    }
  });

  it("names its own options when the kubeconfig is missing, broken or lacks the context", async () => {
    const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-cli-"));
    const broken = join(directory, "broken");
    writeFileSync(broken, "token: s3cret\n  x: [");
    const empty = join(directory, "empty");
    writeFileSync(empty, "apiVersion: v1\nkind: Config\n");
    const cases: [string[], RegExp][] = [
      [["--kubeconfig", join(directory, "none")], /cannot be read: ENOENT[^]*Set --kubeconfig/],
      [["--kubeconfig", broken], /^The kubeconfig is not valid YAML or JSON\.\nCheck --kubeconfig/],
      [["--kubeconfig", empty, "--context", "prod"], /no context "prod"[^]*Set --context/],
    ];
    for (const [args, said] of cases) {
      const { exitCode, stdout, stderr } = await mcpFleet(["list", ...args]);
      assert.match(stderr, said);
      assert.ok(!stderr.includes("s3cret"));
      assert.equal(stdout, "");
      assert.equal(exitCode, 1);
    }
  });
});
