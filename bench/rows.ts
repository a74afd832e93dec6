import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

import { runCutover, settle, type Target } from "@mcp-fleet/row-cutover";
import { Client } from "pg";

import { queryAt, stopTestServer, type TestDatabase, testDatabase } from "../test/support/postgres";
import { logLogChart } from "./chart";
import { measureLock } from "./lock-window";
import { alternately, askWorker } from "./process";
import { describeMachine, median, record, say } from "./results";
import { benchSpec, byHand, tableSql } from "./table";
import type { WorkerAnswer, WorkerRequest } from "./worker";

const meta = { who: "bench", stack: "bench", toolVersion: "0.1.0" };
const goals = { forward: 1.25, undo: 1, noop: 0.2, memory: 1, lock: 2 };
const memoryMiB = 200;

/**
 * The row engine beside the same journal and update written by hand, in one run: pairs in turn, each on a table of
 * its own in the same server. Neither side counts the making of its tables.
 * @param args sizes in rows, with the number of pairs where that is to be another: `1000 1000000x1`. Default: 1,000
 *   to 1,000,000
 */
export async function benchRows(args: readonly string[]): Promise<void> {
  const given = args.length > 0 ? args : ["1000", "10000", "100000", "1000000"];
  const sizes = given.map((arg) => arg.split("x").map(Number));
  try {
    const [first] = await one((database) =>
      database.query<{ version: string }>("select version()"),
    );
    say(
      describeMachine({
        PostgreSQL: /[\d.]+/.exec(first?.version ?? "")?.[0] ?? "unknown",
        client: peerName(),
      }),
    );
    const curve = [];
    for (const [rows = 0, pairs = rows > 500_000 ? 3 : rows > 50_000 ? 5 : 9] of sizes)
      curve.push(await size(rows, pairs));
    await lockWindow(6, 15);
    if (sizes.length > 2) {
      writeFileSync(
        "docs/rows-per-second.svg",
        logLogChart("Rows per second, by size of the table", { x: "rows", y: "rows per second" }, [
          {
            name: "forward",
            color: "#0b6",
            points: curve.map((at) => [at.rows, at.rows / at.forward]),
          },
          { name: "undo", color: "#06c", points: curve.map((at) => [at.rows, at.rows / at.undo]) },
          {
            name: "by hand",
            color: "#c60",
            points: curve.map((at) => [at.rows, at.rows / at.byHand]),
          },
        ]),
      );
    }
  } finally {
    await stopTestServer();
  }
}

interface Figures {
  readonly rows: number;
  readonly forward: number;
  readonly undo: number;
  readonly byHand: number;
}

async function size(rows: number, rounds: number): Promise<Figures> {
  const also = { noop: [] as number[], undo: [] as number[], memory: [] as number[] };
  const runOurs = (): Promise<number> =>
    one(async (database) => {
      const forward = work(database, rows, "in-cluster");
      if (forward.counts.rewrite !== rows)
        throw new Error(`${forward.counts.rewrite} rows of ${rows}`);
      const noop = work(database, rows, "in-cluster");
      if (!noop.repeated) throw new Error("the second run was no no-op");
      await database.query("vacuum analyze servers");
      const undo = work(database, rows, "embedded");
      if (undo.counts.restore !== rows) throw new Error(`${undo.counts.restore} rows of ${rows}`);
      also.noop.push(noop.seconds);
      also.undo.push(undo.seconds);
      also.memory.push(Math.max(forward.maxRssMiB, noop.maxRssMiB, undo.maxRssMiB));
      return forward.seconds;
    }, rows);
  const pairs = await alternately(rounds, runOurs, () => one(peer, rows));
  const label = `${rows.toLocaleString("en")} rows`;
  const besideForward = (mine: readonly number[]): { ours: number; peer: number }[] =>
    pairs.map(({ ours: forward }, i) => ({ ours: mine[i] ?? 0, peer: forward }));
  record(`forward, ${label}`, "s", goals.forward, pairs);
  record(`undo against forward, ${label}`, "s", goals.undo, besideForward(also.undo));
  record(`no-op against forward, ${label}`, "s", goals.noop, besideForward(also.noop));
  record(
    `memory of the process, ${label}`,
    "MiB",
    goals.memory,
    also.memory.map((value) => ({ ours: value, peer: memoryMiB })),
  );
  return {
    rows,
    forward: median(pairs.map(({ ours }) => ours)),
    undo: median(also.undo),
    byHand: median(pairs.map((pair) => pair.peer)),
  };
}

/** How long writers of a small table wait. */
async function lockWindow(rows: number, rounds: number): Promise<void> {
  const cutover = (connectionString: string): Promise<unknown> =>
    runCutover({ connectionString }, benchSpec(rows), "in-cluster", meta);
  const pairs = await alternately(
    rounds,
    () => one(({ url }) => measureLock(url, cutover), rows),
    () => one(({ url }) => measureLock(url, inTurn), rows),
  );
  record(`lock window, ${rows} rows`, "s", goals.lock, pairs);
}

/** A database with the table, the ledger and the peer's journal. */
async function one<T>(use: (database: TestDatabase) => Promise<T>, rows = 6): Promise<T> {
  const database = await asOwner(await testDatabase());
  try {
    await database.make(6);
    const db = { connectionString: database.url };
    const spec = { ...benchSpec(6), name: "before" };
    await runCutover(db, spec, "in-cluster", meta);
    await settle(db, spec, 1);
    await database.query(
      "drop table servers, by_hand; delete from mcp_cutover.run; delete from mcp_cutover.journal",
    );
    await database.make(rows);
    await database.query("vacuum analyze servers");
    await database.query("checkpoint");
    return await use(database);
  } finally {
    await database.drop();
  }
}

/** The same database with the DSN of a role that owns it and is no superuser, as a cutover is done. */
async function asOwner(
  database: TestDatabase,
): Promise<TestDatabase & { make(rows: number): Promise<void> }> {
  const role = "bench_owner";
  await database.query(
    `do $$ begin if not exists (select from pg_roles where rolname = '${role}') then
       create role ${role} login password '${role}'; end if; end $$`,
  );
  await database.query(`alter database ${database.name} owner to ${role}`);
  const url = database.urlFor(role, role);
  return { ...database, url, make: async (rows) => void (await queryAt(url, tableSql(rows))) };
}

function work(database: TestDatabase, rows: number, target: Target): WorkerAnswer {
  const request: WorkerRequest = { db: { connectionString: database.url }, rows, target };
  return askWorker<WorkerAnswer>("worker.js", JSON.stringify(request));
}

let psql: boolean | undefined;

function peerName(): string {
  try {
    const said = execFileSync("psql", ["--version"], { encoding: "utf8" });
    psql = true;
    return said.trim();
  } catch {
    psql = false;
    return "pg (no psql on PATH)";
  }
}

/** By hand, in `psql` where there is one: from connecting to the answer of COMMIT. */
async function peer(database: TestDatabase): Promise<number> {
  const started = performance.now();
  if (psql === true) {
    execFileSync("psql", ["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", database.url], {
      input: byHand.map((statement) => `${statement};\n`).join(""),
      stdio: ["pipe", "ignore", "inherit"],
    });
  } else await inTurn(database.url);
  return (performance.now() - started) / 1000;
}

async function inTurn(connectionString: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  for (const statement of byHand) await client.query(statement);
  await client.end();
}
