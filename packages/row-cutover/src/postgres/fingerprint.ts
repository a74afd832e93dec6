import type { Client } from "pg";

import type { TableShape } from "./table";

/** The state of a table at one moment: enough to tell later whether it was written since. */
export interface Fingerprint {
  readonly rows: string;
  /** The oldest transaction that was still running then. */
  readonly horizon: string;
  readonly files: string;
}

const files = `coalesce((select string_agg(p.relid::oid || ':' || coalesce(pg_relation_filenode(p.relid), 0), ' ' order by p.relid)
  from pg_partition_tree($1::oid) p), pg_relation_filenode($1::oid)::text)`;

/** Taken before anything is read that must not change. */
export async function takeFingerprint(client: Client, shape: TableShape): Promise<Fingerprint> {
  const found = await client.query<Fingerprint>(
    `select (select count(*) from ${shape.name})::text as rows,
            pg_snapshot_xmin(pg_current_snapshot())::text as horizon, ${files} as files`,
    [String(shape.oid)],
  );
  return found.rows[0] ?? { rows: "", horizon: "", files: "" };
}

/**
 * Whether the table is unchanged, asked once nobody can write it: no row version is of a transaction that could write
 * after the fingerprint, none is missing, and the table was not rewritten, so that rows are still in their places. It
 * may say no for an unchanged table, such as while an old transaction is open elsewhere.
 */
export async function isUntouched(
  client: Client,
  shape: TableShape,
  before: Fingerprint,
): Promise<boolean> {
  const found = await client.query<{ same: boolean }>(
    `select count(*)::text = $2 and ${files} = $3 and coalesce(bool_and(
              -- Transaction numbers are 32 bits wide in a row and wrap around.
              (t.xmin::text::bigint - $5::bigint) & 4294967295 > pg_snapshot_xmax(pg_current_snapshot())::text::bigint - $4::bigint), true) as same
       from ${shape.name} t`,
    [
      String(shape.oid),
      before.rows,
      before.files,
      before.horizon,
      String(BigInt(before.horizon) % 2n ** 32n),
    ],
  );
  return found.rows[0]?.same === true;
}
