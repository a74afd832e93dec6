import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { CutoverSpec } from "../decide/spec";
import { EngineError } from "./errors";
import { standbyError } from "./user-error";

/** Identifies a database. A dump that was restored elsewhere, or the database behind a wrong port, differs. */
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
 * Roles whose members can reach the server's files and programs, and so have a superuser's power. The same is true
 * for a member of a superuser, which can SET ROLE to it, and for a role that can grant itself others.
 */
const systemRoles = "'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'";

/** @throws UserError for a role with so much power that code in the database could do anything with it */
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
      "session_replication_role is replica for the database role, so neither triggers nor foreign keys would take effect.",
      `Run as an administrator: alter role ${role} set session_replication_role = origin;`,
    );
  }
  if (power === null || spec.allowSuperuser === true) return;
  throw new UserError(
    `The database role ${role} is ${power}, and triggers, checks and casts of the table's owner run with its rights while rows are read and written.`,
    "Use a role with the rights that packages/row-cutover/README.md lists and no more ([database.manage] makes one), or set [cutover.allowSuperuser] to true if everybody who may create anything in this database is trusted with the whole server.",
  );
}
