import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { UserError } from "@mcp-fleet/errors";

import type { Log } from "../log";
import { paths } from "../paths";
import {
  applicationRole,
  createAccess,
  cutoverRole,
  databaseName,
  grantCutover,
  withClient,
} from "./access";
import { findBinaries } from "./binaries";
import { reachableDir, serverUser, sharedRoot } from "./identity";
import { choosePort, envPort } from "./ports";
import { readDump, restoreDump } from "./restore";
import { legacySql } from "./schema";
import {
  dataDir,
  initialise,
  runningPid,
  type ServerOptions,
  start,
  stop,
  superuser,
} from "./server";
import { newPasswords, readState, type State, stateFile, writeState } from "./state";

type ColumnType = "text" | "jsonb";

/** The requested content of the lab's database. */
export interface DatabaseRequest {
  /** The type of the documents' column. Left out: what is there already, else jsonb. */
  readonly schema?: ColumnType;
  /** The key the legacy rows have for Atlassian. Default "atlassian". */
  readonly atlassianKey?: "atlassian" | "jira" | "both";
  /** A plain SQL dump to hold instead of the legacy rows. */
  readonly dump?: string;
  /** An address besides 127.0.0.1 that pods reach this machine on. */
  readonly listen?: string;
  /** Default: the lab's own run directory. Tests give another. */
  readonly runDir?: string;
  /** Default: the port it had before, else 25432, else a free one. It must be free. */
  readonly port?: number;
}

export interface Database {
  /** The application's owner role, from this machine. Not a superuser. */
  readonly url: string;
  /** The cutover's role, from this machine. */
  readonly cutoverUrl: string;
  /** The superuser, from this machine only. */
  readonly superuserUrl: string;
  /** The same database as pods reach it, for one of the two roles; default the application's. */
  inClusterUrl(host: string, port: number, role?: "application" | "cutover"): string;
  readonly port: number;
  readonly version: string;
  /** Whether this call created the data. */
  readonly fresh: boolean;
  /** Stops the server and keeps its data. */
  stop(): Promise<void>;
}

/**
 * Makes sure the lab's PostgreSQL runs and holds what is asked for. A second call finds it and changes
 * nothing; one that stopped, or lost its process, is started again on its data.
 *
 * @throws UserError when there is no server to run, the port is taken, the data is of another kind than
 *   asked for, or the dump cannot be restored. Nothing half made is used afterwards.
 */
export async function ensureDatabase(request: DatabaseRequest, log: Log): Promise<Database> {
  const runDir = request.runDir ?? paths.installation;
  const user = serverUser();
  const dir = reachableDir(join(runDir, "postgres"), user);
  const programs = user.uid === undefined ? undefined : join(dir, "programs");
  const found = readState(runDir);
  const known = found !== undefined && existsSync(dataDir(dir)) ? found : undefined;
  const holds = describeRequest(request, known);
  const listen = request.listen === undefined ? (known?.listen ?? []) : [request.listen];

  const running = runningPid(dir) !== undefined;
  if (known !== undefined && running && sameSet(known.listen, listen)) {
    return describeDatabase({ ...known, dir }, (await findBinaries(programs)).version, false);
  }
  if (running) await stop(dir);

  // Checked first: a wrong file name or a taken port leaves nothing behind.
  if (request.dump !== undefined) readDump(resolve(request.dump));
  const port = await choosePort(request.port ?? envPort(), known?.port, ["127.0.0.1", ...listen]);
  const passwords = known?.passwords ?? newPasswords();
  const state: State = { dir, port, listen, holds, passwords };
  const binaries = await findBinaries(programs);
  const server: ServerOptions = {
    ...{ dir, binaries, user, port, listen },
    superuserPassword: passwords.superuser,
  };
  const database = describeDatabase(state, binaries.version, known === undefined);
  const startIt = (): Promise<void> =>
    log.step(`Starting PostgreSQL ${binaries.version} on port ${port}`, () => start(server));
  if (known === undefined) {
    const what = `a PostgreSQL ${binaries.version} database as ${user.name} in ${dir}`;
    try {
      await log.step(`Making ${what}`, () => initialise(server));
      await startIt();
      await log.step(`Filling it: ${holds}`, () => fill(database, request, passwords));
    } catch (error) {
      await stop(dir);
      removeDir(dir);
      throw error;
    }
  } else {
    await startIt();
  }
  // Written last: without it the next call starts from scratch.
  writeState(runDir, state);
  return database;
}

/**
 * Stops the lab's PostgreSQL and removes its data.
 *
 * @returns whether there was one.
 */
export async function stopDatabase(
  options: { readonly runDir?: string; readonly keepData?: boolean } = {},
): Promise<boolean> {
  const runDir = options.runDir ?? paths.installation;
  const dir = readState(runDir)?.dir ?? reachableDir(join(runDir, "postgres"), serverUser());
  const wasRunning = await stop(dir);
  if (options.keepData === true) return wasRunning;
  const existed = existsSync(dir);
  removeDir(dir);
  rmSync(stateFile(runDir), { force: true });
  return wasRunning || existed;
}

/** The running database, without starting one; undefined when there is none. */
export async function findDatabase(
  options: { readonly runDir?: string } = {},
): Promise<Database | undefined> {
  const state = readState(options.runDir ?? paths.installation);
  if (state === undefined || runningPid(state.dir) === undefined) return undefined;
  const url = dsn(superuser, state.passwords.superuser, "127.0.0.1", state.port);
  const version = await withClient(url, async (db) => {
    const found = await db.query<{ server_version: string }>("show server_version");
    return found.rows[0]?.server_version ?? "unknown";
  });
  return describeDatabase(state, version, false);
}

async function fill(
  database: Database,
  request: DatabaseRequest,
  passwords: State["passwords"],
): Promise<void> {
  const maintenance = new URL(database.superuserUrl);
  maintenance.pathname = "/postgres";
  await createAccess(maintenance.href, passwords);
  if (request.dump === undefined) {
    const sql = legacySql({
      schema: request.schema ?? "jsonb",
      atlassianKey: request.atlassianKey ?? "atlassian",
    });
    await withClient(database.url, (db) => db.query(sql));
  } else {
    await restoreDump(database.superuserUrl, resolve(request.dump));
  }
  await grantCutover(database.superuserUrl);
}

function describeDatabase(state: State, version: string, fresh: boolean): Database {
  const { passwords, port, dir } = state;
  return {
    url: dsn(applicationRole, passwords.application, "127.0.0.1", port),
    cutoverUrl: dsn(cutoverRole, passwords.cutover, "127.0.0.1", port),
    superuserUrl: dsn(superuser, passwords.superuser, "127.0.0.1", port),
    inClusterUrl: (host, at, role = "application") =>
      dsn(role === "application" ? applicationRole : cutoverRole, passwords[role], host, at),
    ...{ port, version, fresh },
    stop: async () => void (await stop(dir)),
  };
}

function dsn(role: string, secret: string, host: string, port: number): string {
  return `postgresql://${role}:${secret}@${host}:${port}/${databaseName}`;
}

/** A description of the data, which is also compared with the existing data's. */
function describeRequest(request: DatabaseRequest, known: State | undefined): string {
  let wanted: string | undefined;
  if (request.dump !== undefined) {
    const file = resolve(request.dump);
    const hash = existsSync(file) ? sha256(readFileSync(file)).slice(0, 12) : "missing";
    wanted = `the dump ${file} (${hash})`;
  } else if (request.schema !== undefined || known === undefined) {
    const key = request.atlassianKey ?? "atlassian";
    wanted = `the legacy rows, generation ${request.schema ?? "jsonb"}, Atlassian under ${key}`;
  }
  if (known === undefined || wanted === undefined || wanted === known.holds) {
    return wanted ?? known?.holds ?? "";
  }
  throw new UserError(
    `The lab's database holds ${known.holds}, not ${wanted}.`,
    "Run `make down` first: it removes that database.",
  );
}

/** Removes the files and, where they were kept outside the run directory, the directory made for them. */
function removeDir(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
  if (
    dirname(dir) === sharedRoot &&
    existsSync(sharedRoot) &&
    readdirSync(sharedRoot).length === 0
  ) {
    rmdirSync(sharedRoot);
  }
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item) => right.includes(item));
}
