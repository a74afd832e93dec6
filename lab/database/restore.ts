import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

import { messageOf, UserError } from "@mcp-fleet/errors";
import pg, { type Client } from "pg";

import { applicationRole, databaseName, withClient } from "./access";
import { partsOf, rowsOf, strayCommand } from "./dump-parts";

/** The role a dump is restored as, for as long as that takes: no superuser, and no way out of the database. */
const restoreRole = "mcp_fleet_restore";

/** Rows of a COPY block in one statement. */
const batch = 500;

/**
 * Restores a plain SQL dump of the user's own database (`pg_dump --format=plain`) into the empty database
 * of the lab, and makes the application's role the owner of what it holds. A dump is a program: this one is read here
 * and sent to the server, never given to `psql`, whose commands run programs of the machine; and it runs as a role
 * that can do nothing outside of the database.
 *
 * @param databaseUrl the superuser's DSN of that database
 * @throws UserError when the file cannot be used or holds no `mcp_servers`. It never quotes the dump.
 */
export async function restoreDump(databaseUrl: string, file: string): Promise<void> {
  const sql = readDump(file);
  const password = randomBytes(24).toString("hex");
  await withClient(databaseUrl, (db) => makeRestoreRole(db, password, rolesOf(sql)));
  const url = new URL(databaseUrl);
  [url.username, url.password] = [restoreRole, password];
  try {
    await withClient(url.href, (db) => restoreParts(db, sql));
  } catch (error) {
    throw restoreError(file, messageOf(error), error);
  } finally {
    await withClient(databaseUrl, dropRestoreRole);
  }
  await withClient(databaseUrl, async (db) => {
    await db.query(safePath);
    const found = await db.query<{ table: string | null }>(
      "select to_regclass('public.mcp_servers')::text as table",
    );
    if (typeof found.rows[0]?.table !== "string") {
      throw new UserError(
        `The dump ${file} holds no table public.mcp_servers.`,
        "Dump the application's own database, with schema and data: pg_dump --format=plain --no-owner <database> > dump.sql",
      );
    }
    await db.query(ownEverything);
  });
}

/** Objects of the dump must not precede the server's own names in statements of a superuser. */
const safePath = "set search_path = pg_catalog, pg_temp";

/** Member of the roles that the dump gives objects to, the database's owner among them, and of nothing else. */
async function makeRestoreRole(
  db: Client,
  password: string,
  mentioned: ReadonlySet<string>,
): Promise<void> {
  for (const role of mentioned) {
    const known = await db.query("select 1 from pg_roles where rolname = $1", [role]);
    if (known.rowCount === 0) await db.query(`create role ${pg.escapeIdentifier(role)} nologin`);
  }
  await db.query(
    `create role ${restoreRole} login nosuperuser nocreatedb nocreaterole password ${pg.escapeLiteral(password)}`,
  );
  const plain = await db.query<{ name: string }>(
    "select rolname as name from pg_roles where rolname = any($1) and not rolsuper",
    [[...mentioned, applicationRole]],
  );
  await db.query(`grant create on database ${databaseName} to ${restoreRole}`);
  for (const name of plain.rows.map((row) => pg.escapeIdentifier(row.name))) {
    await db.query(`grant ${name} to ${restoreRole}`);
    // An object can only be given to a role that could create it there.
    await db.query(`grant create on database ${databaseName} to ${name}`);
    await db.query(`grant create on schema public to ${name}`);
  }
}

async function dropRestoreRole(db: Client): Promise<void> {
  await db.query(safePath);
  await db.query(`reassign owned by ${restoreRole} to ${applicationRole}`);
  await db.query(`drop owned by ${restoreRole}`);
  await db.query(`drop role ${restoreRole}`);
}

async function restoreParts(db: Client, sql: string): Promise<void> {
  await db.query("set client_min_messages = warning; begin");
  for (const part of partsOf(sql)) {
    if ("sql" in part) {
      await db.query(part.sql);
      continue;
    }
    let values: string[] = [];
    const insert = async (): Promise<void> => {
      if (values.length === 0) return;
      const all = `insert into ${part.into} overriding system value values ${values.join(", ")}`;
      values = [];
      await db.query(all);
    };
    for (const row of rowsOf(part.lines)) {
      const fields = row.map((field) => (field === null ? "null" : pg.escapeLiteral(field)));
      // A table without columns can still have rows, but there are no values to insert.
      if (part.columns > 0) values.push(`(${fields.join(", ")})`);
      if (values.length === batch) await insert();
    }
    await insert();
  }
  await db.query("commit");
}

/** The application's role owns everything in the dump's schemas: it alters its own table when it starts. */
const ownEverything = `
do $$
declare item record;
begin
  for item in
    select c.oid::regclass as name,
           case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
                          when 'f' then 'foreign table' else 'table' end as kind
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i', 'e') and c.relkind = 'S')
  loop
    execute format('alter %s %s owner to ${applicationRole}', item.kind, item.name);
  end loop;
end $$`;

/**
 * The text of a plain SQL dump of one database.
 *
 * @throws UserError when the file is missing or is something else.
 */
export function readDump(file: string): string {
  if (!existsSync(file)) {
    throw new UserError(`There is no file ${file}.`, "Give DUMP the path of a plain SQL dump.");
  }
  const content = readFileSync(file);
  if (content.subarray(0, 5).toString("latin1") === "PGDMP" || content.includes(0)) {
    throw new UserError(
      `${file} is not a plain SQL dump.`,
      "Make one with pg_dump --format=plain, or turn this one into SQL with pg_restore --file=dump.sql.",
    );
  }
  const sql = content.toString("utf8");
  if (/^(\\connect|\\c |create database )/im.test(sql)) {
    throw new UserError(
      `${file} makes or changes databases itself.`,
      "Make the dump of the one database, with pg_dump and without --create.",
    );
  }
  const stray = strayCommand(sql);
  if (stray !== undefined) {
    throw new UserError(
      `${file} has a command for psql in line ${stray}, and pg_dump writes none but \\restrict.`,
      "Make the dump with pg_dump, and read what somebody added to it.",
    );
  }
  return sql;
}

/** Roles that own objects or have rights in the dump: they must exist, but nobody logs in as them here. */
function rolesOf(sql: string): Set<string> {
  const roles = new Set<string>();
  const mentions =
    /^(?:alter .* owner to|grant .* to|revoke .* from|alter default privileges for role) ("(?:[^"]|"")+"|[\w$]+)/gim;
  for (const match of sql.matchAll(mentions)) {
    const name = match[1] ?? "";
    const plain = name.startsWith('"')
      ? name.slice(1, -1).replaceAll('""', '"')
      : name.toLowerCase();
    if (!["public", "current_user", "session_user"].includes(plain) && !plain.startsWith("pg_")) {
      roles.add(plain);
    }
  }
  return roles;
}

function restoreError(file: string, said: string, cause: unknown): UserError {
  // The line after "ERROR:" has the message; DETAIL and CONTEXT lines quote rows.
  const reason = /ERROR:\s*(.*)/.exec(said)?.[1] ?? said.split("\n", 1)[0] ?? "";
  const older = /unrecognized configuration parameter|syntax error/.test(reason);
  return new UserError(
    `The dump ${file} could not be restored: ${reason}.`,
    older
      ? "It may come from a newer PostgreSQL than the lab's: make it with a pg_dump of the lab's version or older."
      : "Restore it into an empty database by hand to see where it stops.",
    { cause },
  );
}
