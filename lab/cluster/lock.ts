import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@mcp-fleet/errors";

import { type Attempt, tryLock } from "../lock";
import { paths } from "../paths";

/** A first start builds for minutes; whoever waits longer than this waits in vain. In seconds. */
const waitSeconds = 60 * 60;

/**
 * Runs `work` while no other command of the lab starts or stops the cluster.
 *
 * @throws UserError when another holds the lock for over an hour.
 */
export async function withClusterLock<T>(work: () => Promise<T>): Promise<T> {
  const release = await take(Date.now() + waitSeconds * 1000);
  try {
    return await work();
  } finally {
    release();
  }
}

async function take(deadline: number): Promise<() => void> {
  for (;;) {
    const attempt: Attempt = tryLock(join(paths.run, "cluster.lock"));
    if ("release" in attempt) return attempt.release;
    if (Date.now() > deadline) {
      throw new UserError(
        `Another command (process ${attempt.holder?.pid ?? "unknown"}) has been starting or stopping the lab's cluster for an hour.`,
        `End it, then try again.`,
      );
    }
    await sleep(200);
  }
}
