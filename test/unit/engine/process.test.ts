import assert from "node:assert/strict";
import { join } from "node:path";

import { call } from "@mcp-fleet/engine/dist/process";
import { isUserError } from "@mcp-fleet/errors";
import { execa } from "execa";

const place = { cwd: process.cwd(), timeoutSeconds: 600 };

describe("a call of another program", () => {
  it("that is not there fails at once, and keeps this process from ending no longer", async () => {
    const cli = join(process.cwd(), "bin", "mcp-fleet.cjs");
    for (const args of [
      ["history", "--stack", "prod"],
      ["drift", "--stack", "prod"],
      ["up", "--stack", "prod"],
    ]) {
      const { exitCode, stderr, timedOut } = await execa(process.execPath, [cli, ...args], {
        ...{ reject: false, timeout: 20_000, stdin: "ignore", extendEnv: false },
        env: { PATH: "/nowhere", HOME: "/nowhere" },
      });
      assert.equal(timedOut, false, args.join(" "));
      assert.equal(exitCode, 1, stderr);
      assert.match(stderr, /^pulumi cannot be started: .*\nInstall the Pulumi CLI, /);
    }
  });

  it("is interrupted when its time is over, and when it is told to", async () => {
    const late = call({ ...place, command: "sleep", args: ["60"], timeoutSeconds: 0.2 });
    await assert.rejects(late, (error: unknown) => {
      assert.ok(isUserError(error));
      assert.match(error.problem, /^`sleep 60` was ended by SIGINT after at most 0\.2 seconds\.$/);
      return true;
    });
    const told = AbortSignal.timeout(200);
    await assert.rejects(
      call({ ...place, command: "sleep", args: ["60"], signal: told }),
      /SIGINT/,
    );
  });
});
