import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import type { TableSpec } from "../decide/spec";
import { refuseRules } from "./check-table";
import { qualified } from "./identifiers";
import { checkReplicaIdentity } from "./publications";
import { refuseMissing } from "./rights/missing";

/** A unique index over plain columns, without a condition. */
interface UniqueIndex {
  readonly columns: readonly string[];
  /** The equality operator of each column, with its schema. */
  readonly equals: readonly string[];
  readonly notNull: boolean;
  readonly primary: boolean;
}

/** Another table that a run writes. */
export interface TouchedTable {
  readonly uniques: readonly UniqueIndex[];
  /** Tables whose foreign keys point to this one. */
  readonly referencedBy: readonly string[];
}

/**
 * Checks another table that a run writes: rights, row security, rules, replication.
 * @param name for messages
 * @throws UserError naming what is in the way
 */
export async function checkTouched(
  client: Client,
  oid: string,
  name: string,
  rights: readonly string[],
): Promise<TouchedTable> {
  const found = await client.query<
    {
      kind: string;
      rls: boolean;
      role: string;
      sql: string;
      held: string[];
      rules: string[];
    } & TouchedTable
  >(
    `select c.relkind::text as kind, row_security_active(c.oid) as rls,
            quote_ident(current_user) as role, c.oid::regclass::text as sql,
            array(select r from unnest($2::text[]) r where has_table_privilege(c.oid, r)) as held,
            array(select quote_ident(rulename) from pg_rewrite w where w.ev_class = c.oid and w.rulename <> '_RETURN'
                     and w.ev_enabled not in ('D', 'R')) as rules,
            array(select distinct k.conrelid::regclass::text from pg_constraint k
                   where k.contype = 'f' and k.confrelid = c.oid and k.conparentid = 0 order by 1) as "referencedBy",
            (select coalesce(jsonb_agg(u order by u."primary" desc, u.columns), '[]') from (
               select i.indisprimary as primary, bool_and(a.attnotnull) as "notNull",
                      array_agg(a.attname::text order by o.n) as columns,
                      array_agg(format('operator(%I.%s)', s.nspname, e.oprname) order by o.n) as equals
                 from pg_index i, unnest(i.indkey::int2[], i.indclass::oid[]) with ordinality o(num, class, n)
                 join pg_attribute a on a.attnum = o.num
                 join pg_opclass p on p.oid = o.class
                 join pg_amop m on m.amopfamily = p.opcfamily and m.amoplefttype = p.opcintype
                  and m.amoprighttype = p.opcintype and m.amopstrategy = 3
                 join pg_operator e on e.oid = m.amopopr join pg_namespace s on s.oid = e.oprnamespace
                where i.indrelid = c.oid and a.attrelid = i.indrelid and i.indisunique and i.indisvalid
                  and i.indpred is null and i.indexprs is null and o.n <= i.indnkeyatts
                group by i.indexrelid, i.indisprimary) u) as uniques
       from pg_class c where c.oid = $1::oid`,
    [oid, rights],
  );
  const [row] = found.rows;
  if (row === undefined) {
    throw new UserError(
      `The table ${name} is gone.`,
      "Run again; if the table is still missing, restore it.",
    );
  }
  if (!["r", "p"].includes(row.kind)) {
    throw new UserError(
      `${name} is no table, so an undo cannot find its rows again.`,
      "Name the table behind it.",
    );
  }
  refuseMissing(row, [{ on: row.sql, privileges: rights, held: row.held, key: "cutover.table" }]);
  if (row.rls) {
    throw new UserError(
      `Row-level security on ${name} hides rows from the database role, so references in them would be lost.`,
      "Use a role with BYPASSRLS, or the table's owner.",
    );
  }
  refuseRules(name, row.rules);
  await checkReplicaIdentity(client, oid);
  const { uniques, referencedBy } = row;
  return { uniques, referencedBy };
}

/**
 * Checks that the owner of a table which is only known by name may write the rows. Otherwise anybody who may create
 * tables in that schema could make one with that name, and its triggers would run with our rights.
 * @param main the table with the rows
 * @throws UserError naming the owner
 */
export async function refuseForeignOwner(
  client: Client,
  main: TableSpec,
  oid: string,
  name: string,
): Promise<void> {
  const found = await client.query<{ owner: string; sql: string; writes: boolean | null }>(
    `select quote_ident(pg_get_userbyid(c.relowner)) as owner, c.oid::regclass::text as sql,
            ${ownerWrites("c", "$2")} as writes from pg_class c where c.oid = $1::oid`,
    [oid, qualified(main.schema, main.table)],
  );
  const [row] = found.rows;
  if (row?.writes !== false) return;
  throw new UserError(
    `The table ${name} belongs to the role ${row.owner}, which may not write the rows of ${main.schema}.${main.table}, so writing it could run code of a role that is not trusted.`,
    `Find out who made it; if it is the application's, as an administrator: alter table ${row.sql} owner to <the application's role>;`,
  );
}

/** Whether the owner of a relation may write the rows, in SQL. @param main the table's name, in SQL */
export function ownerWrites(alias: string, main: string): string {
  return `has_table_privilege(${alias}.relowner, to_regclass(${main}), 'update')`;
}

/**
 * The columns that find a row of a table again: its primary key, or a unique index without NULL.
 * @param without a column that is written, so that it does not identify
 * @throws UserError when there is none
 */
export function identityOf(name: string, table: TouchedTable, without?: string): readonly string[] {
  const one = table.uniques.find(
    ({ notNull, columns }) => notNull && (without === undefined || !columns.includes(without)),
  );
  if (one !== undefined) return one.columns;
  throw new UserError(
    `The table ${name} has no primary key${without === undefined ? "" : ` beside ${without}`}, so an undo could not find a row of it again.`,
    `Give it one (alter table ${name} add primary key (...);), or list the older row's key in [cutover.skip].`,
  );
}
