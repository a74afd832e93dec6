import type { Client } from "pg";

import type { CutoverSpec } from "../../decide/spec";

/** A table or sequence on which rights are needed. */
export interface Secured {
  readonly part: "rows" | "partition" | "reference" | "list" | "sequence";
  readonly oid: string;
  readonly sql: string;
  readonly schema: string;
  /** Whether the role may use the schema. */
  readonly enters: boolean;
  readonly held: readonly string[];
}

/** Where rights are needed, and which the role of this connection has. */
export interface RightsFacts {
  /** Quoted. */
  readonly role: string;
  /** Quoted. */
  readonly database: string;
  readonly superuser: boolean;
  readonly connects: boolean;
  /** Whether the role has the schema for ledger and journal, or may make it. */
  readonly ledger: "there" | "makeable" | "closed" | "missing";
  readonly objects: readonly Secured[];
}

/** Reads only the catalog, so it works for a role without rights. */
export async function readRightsFacts(client: Client, spec: CutoverSpec): Promise<RightsFacts> {
  const { schema, table } = spec.table;
  const lists = spec.softReferences.map(({ table: name }) => listPlace(spec, name));
  const [about, objects] = await Promise.all([
    client.query<Omit<RightsFacts, "objects">>(
      `select quote_ident(current_user) as role, quote_ident(current_database()) as database,
              (select rolsuper from pg_roles where rolname = current_user) as superuser,
              has_database_privilege(current_database(), 'connect') as connects,
              case when (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                          where n.nspname = 'mcp_cutover' and c.relname in ('run', 'journal', 'fenced_write')) = 3 then 'there'
                   when to_regnamespace('mcp_cutover') is not null
                     then case when has_schema_privilege('mcp_cutover', 'create') and has_schema_privilege('mcp_cutover', 'usage')
                               then 'makeable' else 'closed' end
                   when has_database_privilege(current_database(), 'create') then 'makeable' else 'missing' end as ledger`,
    ),
    client.query<Secured>(
      `with own as (
         select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')),
       objects as (
         select 'rows' as part, oid from own
         union all
         select 'partition', p.relid::oid from own, pg_partition_tree(own.oid) p where p.relid <> own.oid
         union all
         select distinct 'reference', k.conrelid from pg_constraint k join own on k.confrelid = own.oid
          where k.contype = 'f' and k.conparentid = 0 and k.conrelid <> own.oid
         union all
         select distinct 'list', c.oid from unnest($3::text[], $4::text[]) s(schema, name)
           join pg_namespace n on n.nspname = s.schema
           join pg_class c on c.relnamespace = n.oid and c.relname = s.name and c.relkind in ('r', 'p')
         union all
         -- A default that takes its value from a sequence; an identity column needs no right on its own.
         select distinct 'sequence', s.oid from own join pg_attrdef d on d.adrelid = own.oid
           join pg_depend p on p.classid = 'pg_attrdef'::regclass and p.objid = d.oid and p.refclassid = 'pg_class'::regclass
           join pg_class s on s.oid = p.refobjid and s.relkind = 'S')
       select o.part, o.oid::text as oid, format('%I.%I', n.nspname, c.relname) as sql, quote_ident(n.nspname) as schema,
              has_schema_privilege(n.oid, 'usage') as enters,
              case when o.part = 'sequence'
                then array(select 'usage' where has_sequence_privilege(c.oid, 'usage') or has_sequence_privilege(c.oid, 'update'))
                else array(select r from unnest(array['select', 'insert', 'update', 'delete', 'trigger']) r
                            where has_table_privilege(c.oid, r)) end as held
         from objects o join pg_class c on c.oid = o.oid join pg_namespace n on n.oid = c.relnamespace
        order by 1, 2`,
      [schema, table, lists.map((place) => place.schema), lists.map((place) => place.table)],
    ),
  ]);
  const [row] = about.rows;
  if (row === undefined) throw new Error("the server did not answer");
  return { ...row, objects: objects.rows };
}

/** Where the table of a soft reference is. */
export function listPlace(
  spec: Pick<CutoverSpec, "table">,
  given: string,
): { readonly schema: string; readonly table: string } {
  const [first = "", second] = given.split(".");
  return second === undefined
    ? { schema: spec.table.schema, table: first }
    : { schema: first, table: second };
}
