import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "./port";

const program = "/usr/sbin/pgbouncer";

/** A pooler in front of a database. */
export interface Pooler {
  /** The same DSN through the pooler. */
  through(dsn: string): string;
  close(): Promise<void>;
}

/**
 * The distribution's PgBouncer, installed where that is possible.
 * @returns why there is none, or undefined when there is one
 */
export function pgbouncerMissing(): string | undefined {
  if (existsSync(program)) return undefined;
  if (process.getuid?.() !== 0)
    return `${program} is not installed, and only root could install it`;
  try {
    // The package would start a service of its own; this runlevel prevents it.
    execFileSync("apt-get", ["install", "-y", "--no-install-recommends", "pgbouncer"], {
      env: { ...process.env, RUNLEVEL: "1", DEBIAN_FRONTEND: "noninteractive" },
      stdio: "ignore",
      timeout: 120_000,
    });
  } catch {
    return `${program} is not installed, and apt-get could not install it`;
  }
  return existsSync(program) ? undefined : `the package pgbouncer has no ${program}`;
}

/** Starts one in transaction mode with `poolSize` server connections for each user of the DSNs. */
export async function startPgbouncer(dsns: readonly string[], poolSize: number): Promise<Pooler> {
  const dir = mkdtempSync(join(tmpdir(), "mcp-fleet-pgbouncer-"));
  chmodSync(dir, 0o755);
  const port = await freePort();
  const urls = dsns.map((dsn) => new URL(dsn));
  const [first] = urls;
  if (first === undefined) throw new Error("no DSN");
  const users = urls.map(
    (url) => `"${decodeURIComponent(url.username)}" "${decodeURIComponent(url.password)}"`,
  );
  writeFileSync(join(dir, "users.txt"), `${[...new Set(users)].join("\n")}\n`);
  writeFileSync(
    join(dir, "pgbouncer.ini"),
    `[databases]
* = host=127.0.0.1 port=${first.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(dir, "users.txt")}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 100
`,
  );
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const child = spawn(program, ["-q", ...user, join(dir, "pgbouncer.ini")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await untilListening(port, child);
  return {
    through(dsn) {
      const url = new URL(dsn);
      url.hostname = "127.0.0.1";
      url.port = String(port);
      return url.href;
    },
    async close() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended with ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error("pgbouncer does not listen");
}
