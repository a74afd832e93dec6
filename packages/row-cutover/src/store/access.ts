import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { CutoverSpec } from "../decide/spec";
import type { DatabaseIdentity } from "../postgres/database";
import { comparedRelations } from "../postgres/rights/required";
import { refuseForeignLedger } from "./guard";
import { findRun, newestOtherCutover, type Run } from "./ledger";
import { leftRows } from "./migrations";
import { ledgerExists } from "./schema";

/** What the caller will do. Reading needs fewer rights than a run. */
export type Access = "read" | "write";

/** The newest run, after checking that it was made in this database. */
export async function checkLedger(
  client: Client,
  spec: CutoverSpec,
  identity: DatabaseIdentity,
  access: Access = "write",
): Promise<Run | undefined> {
  if (access === "write") await refuseForeignLedger(client);
  await checkLedgerRights(client, access);
  if (access === "read") await refuseUntrustedLedger(client, spec);
  const run = await findRun(client, spec.name);
  if (run === undefined) return undefined;
  const same =
    run.systemIdentifier === identity.systemIdentifier &&
    run.databaseName === identity.databaseName;
  if (same) return run;
  throw new UserError(
    `The ledger of ${spec.name} was written in database ${run.databaseName} of system ${run.systemIdentifier}, but this is ${identity.databaseName} of system ${identity.systemIdentifier}: a copy, or the wrong server.`,
    "Check the connection string; if this copy is the one to use from now on, update system_identifier and database_name in mcp_cutover.run.",
  );
}

/**
 * A role that only compares does not own the ledger. It trusts it only if the ledger's owner may write the rows.
 * @throws UserError when the owner may not
 */
async function refuseUntrustedLedger(client: Client, { table }: CutoverSpec): Promise<void> {
  const found = await client.query<{ owner: string; writes: boolean | null }>(
    // By its oid: looking a name up needs USAGE on the schema.
    `select pg_get_userbyid(c.relowner) as owner, has_table_privilege(c.relowner, (
              select t.oid from pg_class t join pg_namespace s on s.oid = t.relnamespace
               where s.nspname = $1 and t.relname = $2), 'update') as writes
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'mcp_cutover' and c.relname in ('run', 'journal', 'fenced_write', 'newest_row')`,
    [table.schema, table.table],
  );
  const foreign = found.rows.find(({ writes }) => writes === false);
  if (foreign === undefined) return;
  throw new UserError(
    `The ledger in schema mcp_cutover belongs to the role ${foreign.owner}, which may not write the rows of ${table.schema}.${table.table}, so no run of mcp-fleet made it.`,
    "Find out who made it; if a cutover's role made it, give that role its rights on the table back.",
  );
}

/** @throws UserError when the ledger is there and this role may not use it */
async function checkLedgerRights(client: Client, access: Access): Promise<void> {
  if (!(await ledgerExists(client))) return;
  const found = await client.query<{ schema: boolean; role: string }>(
    "select has_schema_privilege('mcp_cutover', 'usage') as schema, quote_ident(current_user) as role",
  );
  const { schema: usable = false, role = "" } = found.rows[0] ?? {};
  if (usable && (access === "read" ? await mayRead(client) : await mayWrite(client))) return;
  throw new UserError(
    "The database role may not use the ledger in schema mcp_cutover, which another role made.",
    access === "read"
      ? `Run as that role, or have it grant: ${comparingGrants(role)}`
      : "Run as that role; it may give itself its rights back: grant all on all tables in schema mcp_cutover to current_user;",
  );
}

/** What a comparison needs of the ledger. @param role quoted */
export function comparingGrants(role: string): string {
  const relations = comparedRelations.map((name) => `mcp_cutover.${name}`);
  return `grant usage on schema mcp_cutover to ${role}; grant select on ${relations.join(", ")} to ${role};`;
}

async function mayWrite(client: Client): Promise<boolean> {
  const found = await client.query<{ ok: boolean }>(
    `select bool_and(has_table_privilege('mcp_cutover.' || name, rights)) as ok
       from unnest(array['run', 'journal', 'fenced_write']) name,
            unnest(array['select', 'insert', 'update', 'delete']) rights`,
  );
  return found.rows[0]?.ok === true;
}

async function mayRead(client: Client): Promise<boolean> {
  const found = await client.query<{ ok: boolean }>(
    `select has_table_privilege('mcp_cutover.run', 'select')
            and has_table_privilege('mcp_cutover.fenced_write', 'select') as ok`,
  );
  return found.rows[0]?.ok === true && (await leftRowsSource(client)) !== undefined;
}

/**
 * Where to read what the newest run left in its rows: the view for it, or, with a ledger or grants of an earlier
 * release, the journal, which also holds the old documents.
 * @returns a relation for FROM; undefined when this role may read neither
 */
export async function leftRowsSource(client: Client): Promise<string | undefined> {
  const found = await client.query<{ view: boolean | null; journal: boolean }>(
    `select has_table_privilege(to_regclass('mcp_cutover.newest_row'), 'select') as view,
            has_table_privilege('mcp_cutover.journal', 'select') as journal`,
  );
  const { view, journal } = found.rows[0] ?? { view: false, journal: false };
  if (view === true) return "mcp_cutover.newest_row";
  return journal ? `(${leftRows})` : undefined;
}

/** @throws UserError when the same rows are already moved under another name */
export async function checkOtherCutovers(
  client: Client,
  spec: CutoverSpec,
  tableName: string,
): Promise<void> {
  const other = await newestOtherCutover(client, spec.name, tableName);
  if (other === undefined) return;
  throw new UserError(
    `The rows of ${tableName} are already moved by the cutover ${JSON.stringify(other)}, so ${JSON.stringify(spec.name)} must not move them too.`,
    "Use that stack, or set [cutover.name] to its name, or take its cutover back first.",
  );
}
