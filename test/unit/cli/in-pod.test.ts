import assert from "node:assert/strict";

import type { UpdateOutcome } from "@mcp-fleet/cluster";
import { LockedStackError } from "@mcp-fleet/engine";
import { UserError } from "@mcp-fleet/errors";

import { underLease } from "../../../cli/day-two/in-pod";
import { exitCodes } from "../../../cli/exit-codes";

describe("an update under the Lease of its pod", () => {
  /** @param attempts the result of each attempt; the last one repeats */
  const updated = async (
    attempts: readonly (() => Promise<string>)[],
    { gone = ["gone"], signal = new AbortController().signal } = {},
  ): Promise<{
    done: unknown;
    runs: number;
    cancels: number;
    outcome: UpdateOutcome | undefined;
  }> => {
    let [runs, cancels] = [0, 0];
    let outcome: UpdateOutcome | undefined;
    const pod = underLease(
      { signal, note: () => undefined },
      {
        cancel: () => {
          cancels += 1;
          return Promise.resolve();
        },
      },
      {
        gone,
        release: (one) => {
          outcome = one;
          return Promise.resolve();
        },
      },
    );
    const done = await pod
      .run(() => {
        runs += 1;
        const attempt = attempts[runs - 1] ?? attempts.at(-1);
        assert.ok(attempt !== undefined && runs < 9);
        return attempt();
      })
      .catch((error: unknown) => error);
    await pod.release();
    return { done, runs, cancels, outcome };
  };
  const succeeds = (): Promise<string> => Promise.resolve("done");
  const fails = (): Promise<string> => Promise.reject(new UserError("No.", "Mend it."));
  const lockedBy =
    (...hosts: string[]) =>
    (): Promise<string> =>
      Promise.reject(new LockedStackError(hosts));
  const isLater = (error: unknown): boolean =>
    error instanceof UserError &&
    error.exitCode === exitCodes.later &&
    /pulumi cancel/.test(error.message);

  it("cancels the lock of a pod that is gone, and runs once more", async () => {
    const { done, ...rest } = await updated([lockedBy("gone"), succeeds]);
    assert.equal(done, "done");
    assert.deepEqual(rest, { runs: 2, cancels: 1, outcome: "done" });
  });

  it("cancels once: a lock that is there again is somebody else's", async () => {
    const { done, ...rest } = await updated([lockedBy("gone")]);
    assert.ok(isLater(done));
    assert.deepEqual(rest, { runs: 2, cancels: 1, outcome: "locked" });
  });

  it("leaves a lock alone that anybody else made, or that nobody is named by", async () => {
    for (const hosts of [["gone", "laptop"], ["laptop"], []]) {
      const { done, ...rest } = await updated([lockedBy(...hosts)]);
      assert.ok(isLater(done));
      assert.deepEqual(rest, { runs: 1, cancels: 0, outcome: "locked" });
    }
  });

  it("tells a failure of its own from an interruption", async () => {
    assert.equal((await updated([fails])).outcome, "failed");
    assert.equal(
      (await updated([fails], { gone: [], signal: AbortSignal.abort() })).outcome,
      "stopped",
    );
  });
});
