import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { listed } from "../decide/keys";
import type { CutoverSpec } from "../decide/spec";

/** What logical replication sends of the ledger, from the catalog. */
interface Publications {
  /** Publications that have the ledger, or will have it as soon as it is made. */
  readonly ledger: string[];
}

async function read(client: Client): Promise<Publications> {
  const version = await client.query<{ schemas: boolean }>(
    "select current_setting('server_version_num')::int >= 150000 as schemas",
  );
  // Whole schemas are published from PostgreSQL 15 on.
  const bySchema =
    version.rows[0]?.schemas === true
      ? `union select p.pubname::text || ' (tables in schema mcp_cutover)' from pg_publication p
           join pg_publication_namespace s on s.pnpubid = p.oid join pg_namespace n on n.oid = s.pnnspid
          where n.nspname = 'mcp_cutover'`
      : "";
  const found = await client.query<{ name: string }>(
    `select p.pubname::text || ' (all tables)' as name from pg_publication p where p.puballtables
     union select p.pubname::text || ' (' || c.oid::regclass || ')' from pg_publication p
       join pg_publication_rel r on r.prpubid = p.oid join pg_class c on c.oid = r.prrelid
       join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'mcp_cutover'
     ${bySchema} order by 1`,
  );
  return { ledger: found.rows.map(({ name }) => name) };
}

/**
 * Checks that no publication sends the ledger to subscribers: the journal holds old rows with credentials, and a
 * subscriber without these tables stops.
 * @returns warnings for the plan where the configuration allows it
 * @throws UserError naming the publications
 */
export async function checkPublications(client: Client, spec: CutoverSpec): Promise<string[]> {
  const { ledger } = await read(client);
  if (ledger.length === 0) return [];
  const what = `${ledger.length === 1 ? "The publication" : "The publications"} ${listed(ledger)}`;
  const sends = ledger.length === 1 ? "sends" : "send";
  if (spec.allowPublications === true) {
    return [
      `${what} ${sends} ledger and journal to subscribers, with the old rows and their credentials; a subscriber needs the tables of schema mcp_cutover first.`,
    ];
  }
  throw new UserError(
    `${what} ${sends} every table of schema mcp_cutover to subscribers, and with it the old rows and their credentials.`,
    "Publish the application's tables by name instead (drop publication <name>; create publication <name> for table <table>, ...), or set [cutover.allowPublications] to true once subscribers have these tables and may read them.",
  );
}

/**
 * Checks that the rows of a published table can be written: without a replica identity the server refuses to update
 * or delete them.
 * @param oid of the table
 * @throws UserError naming the publications
 */
export async function checkReplicaIdentity(client: Client, oid: string): Promise<void> {
  const found = await client.query<{ name: string; publications: string[] }>(
    `with tree as (
       select $1::oid as oid, true as leaf where not exists (select from pg_partition_tree($1::oid) p where not p.isleaf)
       union select p.relid::oid, p.isleaf from pg_partition_tree($1::oid) p),
     published as (
       select distinct t.pubname::text as pubname from tree
         join pg_class c on c.oid = tree.oid join pg_namespace n on n.oid = c.relnamespace
         join pg_publication_tables t on t.schemaname = n.nspname and t.tablename = c.relname
         join pg_publication p on p.pubname = t.pubname and (p.pubupdate or p.pubdelete))
     select c.oid::regclass::text as name, array(select pubname from published order by 1) as publications
       from pg_class c join tree on tree.oid = c.oid and tree.leaf
      where exists (select from published) and case c.relreplident when 'f' then false when 'n' then true
        when 'i' then not exists (select from pg_index i where i.indrelid = c.oid and i.indisreplident)
        -- A key that is checked only at COMMIT identifies no row for a subscriber.
        else not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and i.indimmediate) end
      order by 1 limit 1`,
    [oid],
  );
  const [row] = found.rows;
  if (row === undefined) return;
  throw new UserError(
    `The table ${row.name} is published (${listed(row.publications)}) and has no replica identity, so the server refuses to change its rows.`,
    `Run as the table's owner: alter table ${row.name} replica identity full;`,
  );
}
