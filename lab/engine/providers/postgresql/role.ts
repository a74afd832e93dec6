import type { Client } from "pg";

import type { Attribute, Found, ResourceType } from "../resource-type";
import { type JsonObject, textAt, textsAt } from "../values";
import { roleSettingsSql, roleSql } from "./role-sql";
import { asMemberOf, roleExists, type Server } from "./server";

const off = { initial: false } as const;
const noLimit = { initial: 0 } as const;
const nothing: Attribute = { initial: [] };

interface RoleRow {
  login: boolean;
  createDatabase: boolean;
  createRole: boolean;
  inherit: boolean;
  superuser: boolean;
  replication: boolean;
  bypassRowLevelSecurity: boolean;
  connectionLimit: number;
}

const readRole = `
  SELECT rolcanlogin AS "login", rolcreatedb AS "createDatabase", rolcreaterole AS "createRole",
    rolinherit AS "inherit", rolsuper AS "superuser", rolreplication AS "replication",
    rolbypassrls AS "bypassRowLevelSecurity", rolconnlimit AS "connectionLimit"
  FROM pg_roles WHERE rolname = $1`;

const readSettings = `
  SELECT split_part(setting, '=', 1) AS name, substr(setting, strpos(setting, '=') + 1) AS value
  FROM pg_roles, unnest(rolconfig) AS setting WHERE rolname = $1`;

const readMemberships = `
  SELECT DISTINCT pg_get_userbyid(m.roleid) AS name
  FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = $1`;

/** `Role`. Every change is made in place, also of name and password. */
export function roleType(server: Server): ResourceType {
  /** A password cannot be read back, and foreign memberships are ignored. */
  async function read(name: string, known: JsonObject): Promise<JsonObject | undefined> {
    return server.connected(server.database, async (db) => {
      const row = (await db.query<RoleRow>(readRole, [name])).rows[0];
      if (row === undefined) return undefined;
      const settings = new Map(
        (await db.query<{ name: string; value: string }>(readSettings, [name])).rows.map(
          (setting) => [setting.name, setting.value],
        ),
      );
      const memberships = (await db.query<{ name: string }>(readMemberships, [name])).rows;
      const isMember = new Set(memberships.map((membership) => membership.name));
      const password = textAt(known, "password");
      const path = settings.get("search_path");
      return {
        name,
        ...row,
        ...(password === undefined ? {} : { password }),
        roles: textsAt(known, "roles").filter((role) => isMember.has(role)),
        searchPaths: path === undefined ? [] : namesIn(path),
        statementTimeout: milliseconds(settings.get("statement_timeout")),
        idleInTransactionSessionTimeout: milliseconds(
          settings.get("idle_in_transaction_session_timeout"),
        ),
        skipDropRole: known.skipDropRole === true,
        skipReassignOwned: known.skipReassignOwned === true,
      };
    });
  }

  return {
    token: "postgresql:index/role:Role",
    attributes: {
      name: {},
      password: { secret: true },
      login: off,
      createDatabase: off,
      createRole: off,
      inherit: { initial: true },
      superuser: off,
      replication: off,
      bypassRowLevelSecurity: off,
      connectionLimit: { initial: -1 },
      roles: { ...nothing, unordered: true },
      searchPaths: nothing,
      statementTimeout: noLimit,
      idleInTransactionSessionTimeout: noLimit,
      skipDropRole: off,
      skipReassignOwned: off,
    },
    async create(inputs) {
      const name = textAt(inputs, "name") ?? "";
      await server.transaction(server.database, async (db) => {
        await db.query(roleSql(db, "CREATE", inputs, {}));
        await settle(db, inputs, {});
      });
      return { id: name, state: (await read(name, inputs)) ?? inputs };
    },
    async update({ state }: Found, inputs) {
      const [before, name] = [textAt(state, "name") ?? "", textAt(inputs, "name") ?? ""];
      await server.transaction(server.database, async (db) => {
        if (before !== name) {
          const [old, fresh] = [db.escapeIdentifier(before), db.escapeIdentifier(name)];
          await db.query(`ALTER ROLE ${old} RENAME TO ${fresh}`);
        }
        await db.query(roleSql(db, "ALTER", inputs, state));
        await settle(db, inputs, state);
      });
      return (await read(name, inputs)) ?? inputs;
    },
    async read(id, known) {
      // After a rename the engine still has the previous id.
      const name = textAt(known, "name") ?? id;
      const state = await read(name, known ?? {});
      return state === undefined ? undefined : { id: name, state };
    },
    async remove({ id, state }) {
      if (state.skipDropRole === true) return;
      const name = textAt(state, "name") ?? id;
      await server.transaction(server.database, async (db) => {
        if (!(await roleExists(db, name))) return;
        const role = db.escapeIdentifier(name);
        if (state.skipReassignOwned !== true) {
          await asMemberOf(db, name, async () => {
            await db.query(`REASSIGN OWNED BY ${role} TO CURRENT_USER`);
            await db.query(`DROP OWNED BY ${role}`);
          });
        }
        await db.query(`DROP ROLE ${role}`);
      });
    },
  };
}

/** Settings and memberships, which `CREATE ROLE` and `ALTER ROLE` cannot set. */
async function settle(db: Client, inputs: JsonObject, before: JsonObject): Promise<void> {
  const name = db.escapeIdentifier(textAt(inputs, "name") ?? "");
  for (const statement of roleSettingsSql(db, inputs, before)) await db.query(statement);
  const [had, wanted] = [textsAt(before, "roles"), textsAt(inputs, "roles")];
  for (const role of had.filter((item) => !wanted.includes(item))) {
    await db.query(`REVOKE ${db.escapeIdentifier(role)} FROM ${name}`);
  }
  for (const role of wanted.filter((item) => !had.includes(item))) {
    await db.query(`GRANT ${db.escapeIdentifier(role)} TO ${name}`);
  }
}

/** The names in PostgreSQL's list format: a quoted name may contain commas and doubled quotes. */
function namesIn(list: string): string[] {
  return [...list.matchAll(/"((?:[^"]|"")*)"|([^,\s"]+)/g)].map(([, quoted, plain = ""]) =>
    quoted === undefined ? plain : quoted.replaceAll('""', '"'),
  );
}

/** PostgreSQL prints a number of milliseconds as seconds or milliseconds. */
function milliseconds(text: string | undefined): number {
  const [, number = "0", unit = "ms"] = /^(\d+)(ms|s|min|h|d)?$/.exec(text ?? "") ?? [];
  return Number(number) * (unitMs[unit] ?? 1);
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
