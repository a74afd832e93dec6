import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { UserError } from "@mcp-fleet/errors";

interface Holder {
  pid: number;
  /** Tells a process from a later one that got the same number. */
  started: string;
  since: string;
}

/**
 * Takes the lock beside a state file and returns what gives it back. A lock whose process is gone is taken over.
 *
 * @throws UserError that names the process holding it.
 */
export function takeLock(stateFile: string): () => void {
  const file = `${stateFile}.lock`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const own: Holder = {
    pid: process.pid,
    started: startOf(process.pid),
    since: new Date().toISOString(),
  };
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      writeFileSync(file, JSON.stringify(own), { flag: "wx", mode: 0o600 });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = readHolder(file);
    if (holder !== undefined && startOf(holder.pid) === holder.started) {
      throw new UserError(
        `Another run (process ${holder.pid}, since ${holder.since}) is using the state file ${stateFile}.`,
        "Wait for it to end, or end it, and try again.",
      );
    }
    setAside(file, holder);
  }
  throw new UserError(
    `The lock ${file} could not be taken: other runs are starting at the same time.`,
    "Try again.",
  );
}

/** Removes a left-over lock; when another run has just taken it instead, that one's is put back. */
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
