import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { messageOf } from "@mcp-fleet/errors";

import { installPackages } from "../../lab/cluster/packages";
import { withClient } from "../../lab/database/access";
import { type Binaries, distributionBinaries, findBinaries } from "../../lab/database/binaries";
import { reachableDir, serverUser } from "../../lab/database/identity";
import { initialise, type ServerOptions, start, stop, superuser } from "../../lab/database/server";
import { freePort } from "./port";

/** A database for one test. */
export interface TestDatabase {
  /** The superuser's DSN. */
  readonly url: string;
  readonly name: string;
  /** The same database for another role. */
  urlFor(role: string, password: string): string;
  query<T extends object = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<T[]>;
  drop(): Promise<void>;
}

let running: Promise<{ url: string; stop(): Promise<void> }> | undefined;

/**
 * The PostgreSQL of this mocha run: the one named by `MCP_FLEET_TEST_DATABASE_URL` (a superuser's DSN), else
 * a throw-away one on a free port, started at first use and stopped by {@link stopTestServer}.
 */
export function testServer(): Promise<{ url: string; stop(): Promise<void> }> {
  running ??= startServer();
  return running;
}

/** Stops the servers and removes their files. For a root `after` hook. */
export async function stopTestServer(): Promise<void> {
  const servers = [running, old];
  running = undefined;
  old = undefined;
  for (const server of servers) await (await server)?.stop();
}

/** The oldest PostgreSQL that is tested: the distribution's. */
const oldMajor = 15;
let old: Promise<ScratchServer | undefined> | undefined;

/**
 * Defines the same tests for PostgreSQL 15, the distribution's package, and for the server of this mocha run. They are
 * given the superuser's DSN. Where 15 is not on the machine and cannot be installed, they are skipped and say why.
 */
export function onEachPostgres(title: string, define: (server: () => string) => void): void {
  for (const which of [`PostgreSQL ${oldMajor}`, "the PostgreSQL of this run"]) {
    describe(`${title}, on ${which}`, function () {
      this.timeout(120_000);
      let url = "";
      before(async function () {
        this.timeout(600_000);
        old ??= which.endsWith(String(oldMajor)) ? oldServer() : undefined;
        const server = which.endsWith(String(oldMajor)) ? await old : await testServer();
        if (server === undefined) this.skip();
        else url = server.url;
      });
      define(() => url);
    });
  }
}

async function oldServer(): Promise<ScratchServer | undefined> {
  const name = `postgresql-${oldMajor}`;
  let binaries = await distributionBinaries(oldMajor);
  let reason = "only root can install it";
  if (binaries === undefined && process.getuid?.() === 0) {
    reason = await installPackages([name]).then(
      () => "apt-get installed it, and it is not there",
      (error: unknown) => messageOf(error),
    );
    binaries = await distributionBinaries(oldMajor);
  }
  if (binaries !== undefined) return scratchServer(binaries);
  process.stdout.write(`not run: the package ${name} is not on this machine: ${reason}\n`);
  return undefined;
}

/**
 * Makes an empty database with a name of its own.
 * @param server a superuser's DSN. @default the server of this mocha run
 */
export async function testDatabase(server?: string): Promise<TestDatabase> {
  const root = server ?? (await testServer()).url;
  const name = `test_${randomBytes(5).toString("hex")}`;
  await queryAt(root, `create database ${name}`);
  const at = (user?: [string, string]): string => {
    const url = new URL(root);
    url.pathname = `/${name}`;
    if (user !== undefined) [url.username, url.password] = user;
    return url.href;
  };
  return {
    url: at(),
    name,
    urlFor: (role, password) => at([role, password]),
    query: <T extends object>(sql: string, values?: unknown[]) => queryAt<T>(at(), sql, values),
    drop: async () => {
      await queryAt(root, `drop database if exists ${name} with (force)`);
    },
  };
}

function startServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const given = process.env.MCP_FLEET_TEST_DATABASE_URL;
  if (given !== undefined) return Promise.resolve({ url: given, stop: () => Promise.resolve() });
  return scratchServer();
}

/** A server for one test, with its own files and programs: for tests that affect a whole server. */
export interface ScratchServer {
  /** The superuser's DSN. */
  readonly url: string;
  readonly options: ServerOptions;
  /** Stops it and removes its files. */
  stop(): Promise<void>;
}

/** Starts a throw-away server on a free port. @param programs default: what the lab takes */
export async function scratchServer(programs?: Binaries): Promise<ScratchServer> {
  const scratch = mkdtempSync(join(tmpdir(), "mcp-fleet-pg-"));
  const user = serverUser();
  const dir = reachableDir(join(scratch, "postgres"), user);
  const binaries =
    programs ?? (await findBinaries(user.uid === undefined ? undefined : join(dir, "programs")));
  const password = randomBytes(12).toString("hex");
  const port = await freePort();
  const options = { dir, binaries, user, port, listen: [], superuserPassword: password };
  await initialise(options);
  await start(options);
  return {
    url: serverUrl(options),
    options,
    async stop() {
      await stop(dir);
      rmSync(dir, { recursive: true, force: true });
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** The superuser's DSN. */
export function serverUrl({ port, superuserPassword }: ServerOptions): string {
  return `postgresql://${superuser}:${superuserPassword}@127.0.0.1:${port}/postgres`;
}

/** The rows of one statement, over a connection of its own. */
export function queryAt<T extends object = Record<string, unknown>>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<T[]> {
  return withClient(url, async (db) => (await db.query<T>(sql, values)).rows);
}
