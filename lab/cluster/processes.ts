import { spawn } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@mcp-fleet/errors";

import { paths } from "../paths";

/** A process the lab leaves running after the command that started it has ended. */
export interface Daemon {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory. Default `/`. */
  readonly cwd?: string;
}

/** What is kept of a started process; `startTime` and `bootId` tell it from a later one with the same id. */
interface PidRecord {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
}

const pidDir = join(paths.pids, "cluster");
const pidFile = (name: string): string => join(pidDir, `${name}.json`);
/** Where a daemon's standard output and error go. */
const logFile = (name: string): string => join(paths.logs, `${name}.log`);

const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

/** Clock ticks from boot to the start of process `pid`; undefined when it is gone or only waits to be reaped. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function readRecord(name: string): PidRecord | undefined {
  try {
    return JSON.parse(readFileSync(pidFile(name), "utf8")) as PidRecord;
  } catch {
    return undefined;
  }
}

/** The id of a daemon that this lab started and that still runs. */
export function runningPid(name: string): number | undefined {
  const record = readRecord(name);
  if (record?.bootId !== bootId()) return undefined;
  return startTimeOf(record.pid) === record.startTime ? record.pid : undefined;
}

/**
 * Starts a daemon in a session of its own, its output going to a file, and records its id.
 *
 * @throws UserError when it cannot be executed.
 */
export async function startDaemon(daemon: Daemon): Promise<void> {
  const output = logFile(daemon.name);
  mkdirSync(pidDir, { recursive: true, mode: 0o700 });
  mkdirSync(dirname(output), { recursive: true });
  const log = openSync(output, "w", 0o600);
  try {
    const child = spawn(daemon.command, daemon.args, {
      detached: true,
      stdio: ["ignore", log, log],
      cwd: daemon.cwd ?? "/",
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...daemon.env },
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    const pid = child.pid ?? 0;
    const record: PidRecord = { pid, startTime: startTimeOf(pid) ?? "", bootId: bootId() };
    writeFileSync(pidFile(daemon.name), JSON.stringify(record), { mode: 0o600 });
    child.unref();
  } catch (cause) {
    throw new UserError(
      `${daemon.name} could not be started from ${daemon.command}.`,
      "Look at that file: it must exist and be executable; remove its directory to have it built again.",
      { cause },
    );
  } finally {
    closeSync(log);
  }
}

/**
 * Waits until `ready` answers true, asking every 100 ms.
 *
 * @param seconds how long to wait before giving up.
 * @throws UserError with the end of the daemon's log when it ended, or was not ready in time.
 */
export async function waitReady(
  name: string,
  ready: () => Promise<boolean>,
  seconds: number,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    if (await ready().catch(() => false)) return;
    const ended = runningPid(name) === undefined;
    if (ended || Date.now() > deadline) {
      throw new UserError(
        `${name} ${ended ? "ended while it was starting" : `was not ready after ${seconds} seconds`}: ${lastLines(name)}`,
        `Read ${logFile(name)}; nothing of the cluster was left running.`,
      );
    }
    await sleep(100);
  }
}

/** The last lines a daemon printed, errors first if it printed any. */
function lastLines(name: string): string {
  try {
    const lines = readFileSync(logFile(name), "utf8").trim().split("\n");
    const errors = lines.filter((line) =>
      /^[EF]\d{4}|[Ee]rror|level=fatal|"level":"fatal"/.test(line),
    );
    return (errors.length > 0 ? errors : lines).slice(-3).join(" | ").slice(-900);
  } catch {
    return "it printed nothing";
  }
}

/** Ends process `pid`: SIGTERM, then SIGKILL after `graceSeconds`. Returns when it is gone. */
export async function endProcess(pid: number, graceSeconds: number): Promise<void> {
  const started = startTimeOf(pid);
  if (started === undefined) return;
  const alive = (): boolean => startTimeOf(pid) === started;
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(pid, name);
    } catch {
      // It ended in between.
    }
  };
  const gone = async (seconds: number): Promise<boolean> => {
    const deadline = Date.now() + seconds * 1000;
    while (alive() && Date.now() < deadline) await sleep(50);
    return !alive();
  };
  if (graceSeconds > 0) {
    signal("SIGTERM");
    if (await gone(graceSeconds)) return;
  }
  signal("SIGKILL");
  await gone(10);
}

/** Stops a daemon this lab started, if it still runs, and forgets it. */
export async function stopDaemon(name: string, graceSeconds = 5): Promise<void> {
  const pid = runningPid(name);
  if (pid !== undefined) await endProcess(pid, graceSeconds);
  rmSync(pidFile(name), { force: true });
}

/** The ids of all processes whose command line `matches`; for the children of daemons, which have no pid file. */
export function findProcesses(matches: (argv: readonly string[]) => boolean): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return pid !== process.pid && matches(argv);
      } catch {
        return false;
      }
    });
}
