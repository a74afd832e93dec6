import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@mcp-fleet/errors";

/** How long to wait for the lock, in seconds. A first start builds for minutes. */
const waitSeconds = 60 * 60;

/** The process that holds a lock file. */
interface Holder {
  readonly pid: number;
  /** Distinguishes a process from a later one with the same id. */
  readonly started: string;
  readonly since: string;
}

/** Either the lock is ours and `release` releases it, or `holder` has it. */
type Attempt = { readonly release: () => void } | { readonly holder: Holder | undefined };

/** Tries once to take a lock file. It takes over one whose process has ended. */
function tryLock(file: string): Attempt {
  mkdirSync(dirname(file), { recursive: true, mode: 0o711 });
  const own: Holder = {
    pid: process.pid,
    started: startOf(process.pid),
    since: new Date().toISOString(),
  };
  let holder: Holder | undefined;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      writeFileSync(file, JSON.stringify(own), { flag: "wx", mode: 0o600 });
      return { release: () => rmSync(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    holder = readHolder(file);
    if (holder !== undefined && startOf(holder.pid) === holder.started) return { holder };
    setAside(file, holder);
  }
  return { holder };
}

/**
 * Runs `work` while no other process holds the lock file.
 *
 * @param doing what the holder does, for the message to others
 * @throws UserError when another holds the lock for over an hour.
 */
export async function withLock<T>(file: string, doing: string, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + waitSeconds * 1000;
  for (;;) {
    const attempt = tryLock(file);
    if ("release" in attempt) {
      try {
        return await work();
      } finally {
        attempt.release();
      }
    }
    if (Date.now() > deadline) {
      throw new UserError(
        `Another command (process ${attempt.holder?.pid ?? "unknown"}) has been ${doing} for an hour.`,
        `End it, then try again.`,
      );
    }
    await sleep(200);
  }
}

/** Removes a stale lock. If another run has taken it in the meantime, that one's is restored. */
function setAside(file: string, judged: Holder | undefined): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (JSON.stringify(readHolder(aside)) !== JSON.stringify(judged)) linkSync(aside, file);
  } catch (error) {
    if (!["ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

/** When a process started, from /proc where there is one; "alive" elsewhere; "" when there is no such process. */
function startOf(pid: number): string {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return "";
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "" : (fields[19] ?? "alive");
  } catch {
    return "alive";
  }
}
