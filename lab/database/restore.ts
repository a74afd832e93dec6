import { existsSync, readFileSync } from "node:fs";

import { isUserError, messageOf, UserError } from "@mcp-fleet/errors";
import pg from "pg";

import { onPath, run } from "../exec";
import { applicationRole, databaseName, withClient } from "./access";

const restoreSeconds = 600;

/**
 * Restores a plain SQL dump of the user's own database (`pg_dump --format=plain`) into the empty database
 * of the lab, and makes the application's role the owner of what it holds. `psql` runs it where it is on
 * PATH; without it a dump that has no COPY blocks (`pg_dump --inserts`) will do.
 *
 * @throws UserError when the file cannot be used or holds no `mcp_servers`. It never quotes the dump.
 */
export async function restoreDump(superuserUrl: string, file: string): Promise<void> {
  const sql = readDump(file);
  await withClient(superuserUrl, async (db) => {
    for (const role of rolesOf(sql)) {
      const known = await db.query("select 1 from pg_roles where rolname = $1", [role]);
      if (known.rowCount === 0) await db.query(`create role ${pg.escapeIdentifier(role)} nologin`);
    }
  });
  if (await onPath("psql")) await restoreWithPsql(superuserUrl, file);
  else await restoreInProcess(superuserUrl, file, sql);
  await withClient(superuserUrl, async (db) => {
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

/** Everything in the dump's schemas goes to the application's role: it alters its own table at its start. */
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
  return sql;
}

/** Roles the dump gives objects or rights to: they must exist, and nobody logs in as them here. */
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

async function restoreWithPsql(url: string, file: string): Promise<void> {
  const target = new URL(url);
  try {
    await run("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-f", file], {
      timeoutSeconds: restoreSeconds,
      env: {
        PGHOST: target.hostname,
        PGPORT: target.port,
        PGUSER: decodeURIComponent(target.username),
        PGPASSWORD: decodeURIComponent(target.password),
        PGDATABASE: databaseName,
        PGOPTIONS: "-c client_min_messages=warning",
      },
    });
  } catch (error) {
    throw restoreError(file, isUserError(error) ? error.problem : messageOf(error), error);
  }
}

async function restoreInProcess(url: string, file: string, sql: string): Promise<void> {
  if (/^copy .* from stdin;/im.test(sql)) {
    throw new UserError(
      `${file} has COPY blocks, which need psql, and there is no psql on PATH.`,
      "Install the distribution's postgresql-client package, or make the dump with pg_dump --inserts.",
    );
  }
  // Lines for psql itself: \restrict and \unrestrict in the dumps of late minor versions.
  const statements = sql.replace(/^\\.*$/gm, "");
  try {
    await withClient(url, (db) => db.query(`begin; ${statements}\n; commit;`));
  } catch (error) {
    throw restoreError(file, messageOf(error), error);
  }
}

function restoreError(file: string, said: string, cause: unknown): UserError {
  // The line after "ERROR:" names the statement's problem; DETAIL and CONTEXT lines quote rows.
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
