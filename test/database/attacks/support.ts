import { isUserError } from "@mcp-fleet/errors";

import { withClient } from "../../../lab/database/access";
import type { LegacyRequest } from "../../../lab/database/schema";
import { cutoverRole, type StudioDatabase, studioDatabase } from "../row-cutover/support";

export { meta } from "../row-cutover/meta";
export * from "../row-cutover/support";

/** A login with CREATE on `public` and on the database, and no right on the application's tables. */
export const strangerRole = "rc_stranger";
/** A login for reports: it has only rights from default privileges. */
export const reportingRole = "rc_reporting";
const password = "rc-password";

/** The application's database with all roles that log in there in production. */
export interface AttackedDatabase extends StudioDatabase {
  readonly strangerUrl: string;
  readonly reportingUrl: string;
  /** The rows of statements that a role runs on its own connection. */
  as(url: string, sql: string): Promise<Record<string, unknown>[]>;
}

/** @param server a superuser's DSN */
export async function attackedDatabase(
  server: string,
  request: LegacyRequest = { schema: "jsonb" },
): Promise<AttackedDatabase> {
  const database = await studioDatabase(request, server);
  for (const role of [strangerRole, reportingRole]) {
    await database.query(`do $$ begin
      perform pg_advisory_xact_lock(4712);
      if not exists (select from pg_roles where rolname = '${role}') then
        create role ${role} login password '${password}';
      end if; end $$`);
  }
  await database.query(`grant create, usage on schema public to ${strangerRole}`);
  await database.query(`grant create on database ${database.name} to ${strangerRole}`);
  return {
    ...database,
    strangerUrl: database.urlFor(strangerRole, password),
    reportingUrl: database.urlFor(reportingRole, password),
    as: (url, sql) =>
      withClient(url, async (client) => {
        const result = (await client.query<Record<string, unknown>>(sql)) as
          { rows: Record<string, unknown>[] } | { rows: Record<string, unknown>[] }[];
        return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
      }),
  };
}

/** A table in which an attack records the role it ran as; every role may write it. */
export async function watch(database: AttackedDatabase): Promise<void> {
  await database.as(
    database.applicationUrl,
    "create table public.caught (who text, what text); grant all on public.caught to public",
  );
}

/** The roles that attacks ran as, according to {@link watch}. */
export async function caught(database: AttackedDatabase): Promise<string[]> {
  const rows = await database.query<{ who: string }>(
    "select distinct who from public.caught order by 1",
  );
  return rows.map(({ who }) => who);
}

/** The error of a call that must be refused. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (isUserError(error)) return error.message;
    throw error;
  }
  throw new Error("it was not refused");
}

export { cutoverRole };
