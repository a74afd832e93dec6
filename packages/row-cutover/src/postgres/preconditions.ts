import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { CutoverSpec } from "../spec";
import { refuseOthersLedger } from "../store/guard";
import { findRun, newestOtherCutover, type Run } from "../store/ledger";
import { ledgerExists, leftRows } from "../store/schema";
import { EngineError, standbyError } from "./errors";
import { shownName } from "./identifiers";
import { refuseOtherTables } from "./other-tables";
import {
  comparedColumns,
  comparedRelations,
  refuseMissing,
  rightsOfCheck,
} from "./required-rights";
import { readRightsFacts } from "./rights-facts";
import { columnOf, type TableShape } from "./table";

/** Which database this is. A dump restored elsewhere, or a forwarded port that leads to another one, differs. */
export interface DatabaseIdentity {
  readonly systemIdentifier: string;
  readonly databaseName: string;
}

/** @throws UserError on a standby, and whatever {@link checkRole} throws */
export async function checkDatabase(
  client: Client,
  spec: Pick<CutoverSpec, "allowSuperuser">,
): Promise<DatabaseIdentity> {
  const [, found] = await Promise.all([
    checkRole(client, spec),
    client.query<DatabaseIdentity & { recovery: boolean; version: number }>(
      `select (select system_identifier::text from pg_control_system()) as "systemIdentifier",
              current_database() as "databaseName", pg_is_in_recovery() as recovery,
              current_setting('server_version_num')::int as version`,
    ),
  ]);
  const row = found.rows[0];
  if (row === undefined) throw new EngineError("the server did not say which database it is");
  if (row.recovery) throw standbyError();
  if (row.version < 140_000) {
    throw new UserError(
      `The database server is PostgreSQL ${Math.floor(row.version / 10_000)}; 14 or newer is needed.`,
      "Upgrade the server.",
    );
  }
  return { systemIdentifier: row.systemIdentifier, databaseName: row.databaseName };
}

/**
 * Roles whose members can leave the database: what they may do is no less than what a superuser may. Nor is what a
 * member of a superuser may, who becomes it by SET ROLE, or a role that gives itself others.
 */
const systemRoles = "'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'";

/** @throws UserError for a role with whose rights everything in the database could do anything */
export async function checkRole(
  client: Client,
  spec: Pick<CutoverSpec, "allowSuperuser">,
): Promise<void> {
  const found = await client.query<{ role: string; replica: boolean; power: string | null }>(
    `select quote_ident(current_user) as role, current_setting('session_replication_role') = 'replica' as replica,
            (select case when m.oid <> r.oid then 'a member of ' || quote_ident(m.rolname) || case
                      when m.rolsuper then ', a superuser' when m.rolcreaterole then ', which may make roles' else '' end
                    when m.rolsuper then 'a superuser' else 'one that may make roles' end
               from pg_roles r join pg_roles m on (m.oid = r.oid or not r.rolsuper and pg_has_role(r.oid, m.oid, 'member'))
              where r.rolname in (current_user, session_user)
                and (m.rolsuper or m.rolcreaterole or m.rolname in (${systemRoles}))
              order by not m.rolsuper, m.oid <> r.oid, m.rolname limit 1) as power`,
  );
  const { role = "", replica = false, power = null } = found.rows[0] ?? {};
  if (replica) {
    throw new UserError(
      "session_replication_role is replica for the database role, so neither triggers nor foreign keys would be heeded.",
      `Run as an administrator: alter role ${role} set session_replication_role = origin;`,
    );
  }
  if (power === null || spec.allowSuperuser === true) return;
  throw new UserError(
    `The database role ${role} is ${power}, and triggers, checks and casts of the table's owner run with its rights while rows are read and written.`,
    "Use a role with the rights that packages/row-cutover/README.md lists and no more ([database.manage] makes one), or set [cutover.allowSuperuser] to true if everybody who may create anything in this database is trusted with the whole server.",
  );
}

/** What is going to be done with rows and ledger: a look needs fewer rights than a run. */
export type Access = "read" | "write";

/** The newest run, after making sure that this is the database it was done in. */
export async function checkLedger(
  client: Client,
  spec: CutoverSpec,
  identity: DatabaseIdentity,
  access: Access = "write",
): Promise<Run | undefined> {
  if (access === "write") await refuseOthersLedger(client);
  await checkLedgerRights(client, access);
  if (access === "read") await refuseStrangersLedger(client, spec);
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
 * Who only compares has no ledger of its own to know, but knows one thing of whoever made it: that role may write the
 * rows.
 * @throws UserError when it may not
 */
async function refuseStrangersLedger(client: Client, { table }: CutoverSpec): Promise<void> {
  const found = await client.query<{ owner: string; writes: boolean | null }>(
    // By its oid, since a name is looked up only by who may use the schema.
    `select pg_get_userbyid(c.relowner) as owner, has_table_privilege(c.relowner, (
              select t.oid from pg_class t join pg_namespace s on s.oid = t.relnamespace
               where s.nspname = $1 and t.relname = $2), 'update') as writes
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'mcp_cutover' and c.relname in ('run', 'journal', 'fenced_write', 'newest_row')`,
    [table.schema, table.table],
  );
  const stranger = found.rows.find(({ writes }) => writes === false);
  if (stranger === undefined) return;
  throw new UserError(
    `The ledger in schema mcp_cutover belongs to the role ${stranger.owner}, which may not write the rows of ${table.schema}.${table.table}, so no run of ours made it.`,
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
 * Where to read what the newest run left in its rows: the view made for it, or the journal, which holds the old
 * documents too, where an earlier release made the ledger or its grants.
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

/** @throws UserError when rows are hidden from the role, or rules would change what it writes */
export function checkTable(shape: TableShape): void {
  checkRowSecurity(shape);
  refuseRules(nameOf(shape), shape.rules);
  refuseOtherTables(shape, nameOf(shape));
}

/**
 * Has who only compares be allowed to: rights on single columns will do.
 * @param more columns beside those that the configuration names
 * @throws UserError naming the columns that the role may not read
 */
export async function checkReadable(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  more: readonly string[] = [],
): Promise<void> {
  for (const name of comparedColumns(spec, more)) columnOf(shape, name);
  const facts = await readRightsFacts(client, spec);
  refuseMissing(facts, rightsOfCheck(facts, spec, shape.columns, more));
  checkRowSecurity(shape);
}

function checkRowSecurity(shape: TableShape): void {
  if (!shape.rowSecurity) return;
  throw new UserError(
    `Row-level security on ${nameOf(shape)} hides rows from the database role, so a run could miss some.`,
    "Use a role with BYPASSRLS, or the table's owner.",
  );
}

function nameOf({ spec }: TableShape): string {
  return shownName(spec.schema, spec.table);
}

/** @throws UserError: what is written to a table with rules is what they make of it, and `with` statements refuse them */
export function refuseRules(name: string, rules: readonly string[]): void {
  if (rules.length === 0) return;
  throw new UserError(
    `${name} has rules that change what a run writes: ${rules.join(", ")}.`,
    `Have the table's owner switch them off for the run: ${rules.map((rule) => `alter table ${name} disable rule ${rule};`).join(" ")}`,
  );
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
