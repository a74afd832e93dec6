import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@mcp-fleet/errors";

import { paths } from "../paths";

const file = join(paths.run, "cluster.lock");
/** A first start builds for minutes; whoever waits longer than this waits in vain. In seconds. */
const waitSeconds = 60 * 60;

/**
 * Runs `work` while no other command of the lab starts or stops the cluster.
 *
 * @throws UserError when another holds the lock for over an hour.
 */
export async function withClusterLock<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + waitSeconds * 1000;
  while (!take()) {
    if (Date.now() > deadline) {
      throw new UserError(
        `Another command (process ${holder()}) has been starting or stopping the lab's cluster for an hour.`,
        `End it, then try again.`,
      );
    }
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(): boolean {
  mkdirSync(dirname(file), { recursive: true, mode: 0o711 });
  try {
    const descriptor = openSync(file, "wx", 0o600);
    writeSync(descriptor, String(process.pid));
    closeSync(descriptor);
    return true;
  } catch {
    const pid = holder();
    // Its holder was killed; an empty file is one whose holder is about to write its id.
    if (pid !== undefined && !alive(pid)) rmSync(file, { force: true });
    return false;
  }
}

function holder(): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function alive(pid: number): boolean {
  try {
    // Signal 0 sends nothing; it only tells whether the process is there.
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
