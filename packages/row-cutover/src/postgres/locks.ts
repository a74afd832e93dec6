import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { CutoverSpec } from "../decide/spec";
import { literal } from "./identifiers";
import type { TableShape } from "./table";

/** Class of the advisory lock: "mcpf" as a number. The second key is a hash of the table's name. */
const lockClass = 0x6d637066;

function lockKeys({ table }: CutoverSpec): string {
  return `${lockClass}, hashtext(${literal(`${table.schema}.${table.table}`)})`;
}

/**
 * Takes the lock that allows one run on the table at a time, until the transaction ends.
 * @param patienceSeconds how long to try, since the holder may be our own lost connection
 * @throws UserError that names the holder
 */
export async function takeRunLock(
  client: Client,
  spec: CutoverSpec,
  patienceSeconds = 0,
): Promise<void> {
  for (const end = Date.now() + patienceSeconds * 1000; ; await sleep(200)) {
    const taken = await client.query<{ taken: boolean }>(
      `select pg_try_advisory_xact_lock(${lockKeys(spec)}) as taken`,
    );
    if (taken.rows[0]?.taken === true) return;
    if (Date.now() >= end) break;
  }
  const holder = await client.query<{
    pid: number;
    name: string | null;
    who: string | null;
    since: string | null;
  }>(
    `select l.pid, a.application_name as name, a.usename as who, to_char(a.xact_start at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS "UTC"') as since
       from pg_locks l left join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 2 and l.classid = ${lockClass}::oid
        and l.objid::bigint = (hashtext(${literal(`${spec.table.schema}.${spec.table.table}`)})::bigint & 4294967295)
        and l.database = (select oid from pg_database where datname = current_database()) limit 1`,
  );
  const row = holder.rows[0];
  const who =
    row === undefined
      ? "which has just ended"
      : `${row.name ?? "unknown"}, process ${row.pid} of role ${row.who ?? "unknown"}${row.since === null ? "" : `, since ${row.since}`}`;
  throw new UserError(
    `Another run is in progress on ${spec.table.schema}.${spec.table.table} (${who}), so this one did nothing.`,
    "Wait for it to end, then run again; a run whose result is there already changes nothing.",
  );
}

/** Waits for the same lock. */
export async function waitForRunLock(client: Client, spec: CutoverSpec): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(${lockKeys(spec)})`);
}

/** `share row exclusive`: readers go on, writers wait. */
export type LockMode = "access exclusive" | "share row exclusive";

/** Locks the table until the transaction ends, before any row. Sent at once, so that other statements can follow. */
export function lockTable(client: Client, shape: TableShape, mode: LockMode): Promise<unknown> {
  return client.query(`lock table ${shape.name} in ${mode} mode`);
}
