import { applicationRole, cutoverRole, grantCutover, withClient } from "../../lab/database/access";
import { legacySql } from "../../lab/database/schema";
import type { Lab } from "../../lab/session";

/** A database of the application's role beside the lab's own, with the legacy rows and the cutover's rights. */
export interface LegacyDatabase {
  /** A DSN of the lab's server, leading to this database. */
  of(dsn: string): string;
  remove(): Promise<void>;
}

/** @param name of the database; one that an earlier test left is removed */
export async function legacyDatabase(
  { superuserUrl, url }: Lab["database"],
  name: string,
): Promise<LegacyDatabase> {
  const of = (dsn: string): string => {
    const at = new URL(dsn);
    at.pathname = `/${name}`;
    return at.href;
  };
  const remove = (): Promise<void> =>
    withClient(superuserUrl, async (db) => {
      await db.query(`drop database if exists ${name} with (force)`);
    });
  await remove();
  await withClient(superuserUrl, async (db) => {
    await db.query(`create database ${name} owner ${applicationRole}`);
    await db.query(`grant connect, create on database ${name} to ${cutoverRole}`);
  });
  await withClient(of(url), (db) => db.query(legacySql({ generation: "jsonb" })));
  await grantCutover(of(superuserUrl));
  return { of, remove };
}
