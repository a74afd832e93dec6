import { applicationRole, cutoverRole, grantCutover, withClient } from "../../lab/database/access";
import { legacySql } from "../../lab/database/schema";
import type { Lab } from "../../lab/session";

/** A database of the application's role besides the lab's own, with the legacy rows and the cutover's rights. */
export interface LegacyDatabase {
  /** A DSN of the lab's server, leading to this database. */
  of(dsn: string): string;
  /** Creates a copy of this one, replacing one of that name. */
  copyTo(copy: string): Promise<void>;
  /** Replaces this one by a copy, like a restore; sessions in it end. */
  restoreFrom(copy: string): Promise<void>;
  /** Renames it, as if it were gone; sessions in it end. Returns the undo. */
  away(): Promise<() => Promise<void>>;
  /** Removes it and its copies. */
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
  const asSuperuser = (...statements: string[]): Promise<void> =>
    withClient(superuserUrl, async (db) => {
      for (const statement of statements) await db.query(statement);
    });
  const made = (one: string, template = "template1"): string[] => [
    dropped(one),
    `create database ${one} owner ${applicationRole} template ${template}`,
    `grant connect, create on database ${one} to ${cutoverRole}`,
  ];
  /** A copy requires that nobody is connected to its source. */
  const copied = (to: string, from: string): string[] => [
    ...shut(from),
    ...made(to, from),
    open(from),
  ];
  const copies = new Set<string>();
  await asSuperuser(...made(name));
  await withClient(of(url), (db) => db.query(legacySql({ schema: "jsonb" })));
  await grantCutover(of(superuserUrl));
  return {
    of,
    async copyTo(copy) {
      copies.add(copy);
      await asSuperuser(...copied(copy, name));
    },
    restoreFrom: (copy) => asSuperuser(...copied(name, copy)),
    async away() {
      const gone = `${name}_away`;
      copies.add(gone);
      await asSuperuser(dropped(gone), ...shut(name), renamed(name, gone));
      return () => asSuperuser(renamed(gone, name), open(name));
    },
    remove: () => asSuperuser(...[name, ...copies].map(dropped)),
  };
}

const dropped = (name: string): string => `drop database if exists ${name} with (force)`;
const renamed = (from: string, to: string): string => `alter database ${from} rename to ${to}`;
const open = (name: string): string => `alter database ${name} allow_connections true`;

/** Blocks new connections, and ends existing ones. */
const shut = (name: string): string[] => [
  `alter database ${name} allow_connections false`,
  `select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '${name}'`,
];
