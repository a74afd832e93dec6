import { spawn } from "node:child_process";
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { messageOf, UserError } from "@mcp-fleet/errors";
import { Client } from "pg";

import { run } from "../exec";
import type { Binaries } from "./binaries";
import type { OsUser } from "./identity";

/** The name of PostgreSQL's own superuser role, reachable from this machine only. */
export const superuser = "postgres";

/** One server: its files under `dir`, its programs and the addresses it listens on. */
export interface ServerOptions {
  /** Holds `data/` and `server.log`. Made if it is not there. */
  readonly dir: string;
  readonly binaries: Binaries;
  readonly user: OsUser;
  readonly port: number;
  /** Addresses besides 127.0.0.1. */
  readonly listen: readonly string[];
  readonly superuserPassword: string;
}

const startSeconds = 60;

/** Makes the data directory. The superuser's password is the only way in. */
export async function initialise(options: ServerOptions): Promise<void> {
  const { dir, user } = options;
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  rmSync(dataDir(dir), { recursive: true, force: true });
  mkdirSync(dataDir(dir), { mode: 0o700 });
  const passwordFile = join(dir, ".password");
  writeFileSync(passwordFile, `${options.superuserPassword}\n`, { mode: 0o600 });
  give(dataDir(dir), user);
  give(passwordFile, user);
  try {
    await run(
      options.binaries.initdb,
      [
        `--pgdata=${dataDir(dir)}`,
        `--username=${superuser}`,
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-locale",
        "--no-sync",
      ],
      { timeoutSeconds: 120, cwd: dataDir(dir), ...identity(user) },
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  writeFileSync(
    join(dataDir(dir), "pg_hba.conf"),
    [
      "# The superuser comes from this machine only; the pods come with the roles of the application.",
      `host all ${superuser} 127.0.0.1/32 scram-sha-256`,
      `host all ${superuser} 0.0.0.0/0 reject`,
      "host all all 0.0.0.0/0 scram-sha-256",
      "",
    ].join("\n"),
  );
}

/** Temporary start errors: another server's processes are still ending, or a connection uses its port. */
const passing =
  /still in use|starting up|shutting down|could not create (listen|any TCP\/IP) socket/;

/**
 * Starts the server in the background and waits until it answers. After a server that was killed, it
 * waits for that one's last processes to end.
 *
 * @throws UserError with the log's last lines when it ends or does not answer within 60 seconds.
 */
export async function start(options: ServerOptions): Promise<void> {
  const log = join(options.dir, "server.log");
  const deadline = Date.now() + startSeconds * 1000;
  for (;;) {
    disarmStalePid(options.dir);
    const logged = existsSync(log) ? statSync(log).size : 0;
    const said = (): string => readFileSync(log).subarray(logged).toString("utf8");
    const failure = await launch(options, log, said, deadline);
    if (failure === undefined) return;
    if (!passing.test(said()) || Date.now() > deadline) {
      throw new UserError(
        `PostgreSQL did not start: ${failure}. ${said().trim().split("\n").slice(-5).join(" | ")}`,
        `Read ${log}, then run the same command again.`,
      );
    }
    await sleep(500);
  }
}

/** One attempt; what went wrong, or undefined once the server answers. */
async function launch(
  options: ServerOptions,
  log: string,
  said: () => string,
  deadline: number,
): Promise<string | undefined> {
  const output = openSync(log, "a");
  const settings = {
    listen_addresses: ["127.0.0.1", ...options.listen].join(","),
    port: String(options.port),
    unix_socket_directories: "",
    shared_buffers: "32MB",
    max_connections: "80",
    logging_collector: "off",
    timezone: "UTC",
  };
  const directory = dataDir(options.dir);
  const child = spawn(
    options.binaries.postgres,
    ["-D", directory, ...Object.entries(settings).flatMap(([k, v]) => ["-c", `${k}=${v}`])],
    {
      cwd: directory,
      detached: true,
      stdio: ["ignore", output, output],
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
      ...identity(options.user),
    },
  );
  closeSync(output);
  let failure: string | undefined;
  child.once("error", (error) => (failure = messageOf(error)));
  child.once(
    "exit",
    (code, signal) => (failure = `it ended with ${signal ?? `exit code ${code}`}`),
  );
  child.unref();
  for (;;) {
    const answer = await tryConnect(options);
    if (failure !== undefined) return failure;
    // PostgreSQL starts even if one of its addresses is unavailable, as long as another works.
    if (said().includes("could not create listen socket")) {
      await stop(options.dir);
      return `port ${options.port} is taken`;
    }
    if (answer === undefined) return undefined;
    if (Date.now() > deadline) return answer;
    await sleep(100);
  }
}

/** The process id of the server on these files, verified by the process's executable. */
export function runningPid(dir: string): number | undefined {
  const file = join(dataDir(dir), "postmaster.pid");
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, "utf8").split("\n", 1)[0]);
  if (!Number.isInteger(pid) || pid < 2) return undefined;
  return executesPostgres(pid) ? pid : undefined;
}

/**
 * Neutralises a stale process id file whose id now belongs to another process, which PostgreSQL would take for a
 * running server. The file itself stays: it contains the key of the shared memory, by which PostgreSQL detects
 * processes of a killed server on these files.
 */
function disarmStalePid(dir: string): void {
  const file = join(dataDir(dir), "postmaster.pid");
  if (!existsSync(file) || runningPid(dir) !== undefined) return;
  // PostgreSQL knows that its parent's id is not a competitor's.
  writeFileSync(file, readFileSync(file, "utf8").replace(/^\d+/, String(process.pid)));
}

/**
 * Stops the server: fast shutdown, then an immediate one after 20 seconds.
 *
 * @returns whether one was running.
 */
export async function stop(dir: string): Promise<boolean> {
  const pid = runningPid(dir);
  if (pid === undefined) return false;
  for (const [signal, seconds] of [["SIGINT", 20] as const, ["SIGQUIT", 10] as const]) {
    process.kill(pid, signal);
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50)) {
      if (!executesPostgres(pid)) return true;
    }
  }
  throw new UserError(
    `The PostgreSQL of the lab (process ${pid}) does not stop.`,
    `Look at ${join(dir, "server.log")}, then end that process by its id.`,
  );
}

export function dataDir(dir: string): string {
  return join(dir, "data");
}

async function tryConnect(options: ServerOptions): Promise<string | undefined> {
  const client = new Client({
    host: "127.0.0.1",
    port: options.port,
    user: superuser,
    password: options.superuserPassword,
    database: "postgres",
    connectionTimeoutMillis: 2000,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function executesPostgres(pid: number): boolean {
  if (process.platform !== "linux") return isAlive(pid);
  try {
    // A binary that was removed meanwhile is shown as "… (deleted)".
    return /\/postgres( \(deleted\))?$/.test(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function give(path: string, user: OsUser): void {
  if (user.uid !== undefined) chownSync(path, user.uid, user.gid ?? user.uid);
}

function identity(user: OsUser): { uid?: number; gid?: number } {
  return user.uid === undefined ? {} : { uid: user.uid, gid: user.gid ?? user.uid };
}
