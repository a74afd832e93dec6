import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { listed } from "../decide/keys";

/** Who owns schema `mcp_cutover` and what is in it, and who else has rights on it. */
interface LedgerSecurity {
  /** Undefined when there is no such schema. */
  readonly owner?: string;
  readonly role: string;
  /** Relations and functions of other owners, with the owners. */
  readonly foreign: string[];
  /** Anything that would run foreign code, or hide rows, when the ledger is read or written. */
  readonly traps: string[];
  /** Grants that allow more than a comparison. */
  readonly grants: Grant[];
}

interface Grant {
  /** As in GRANT: `table mcp_cutover.journal`. */
  readonly on: string;
  readonly grantee: string;
  readonly rights: string;
}

/** Every relation and function of the schema, and the schema itself, with owner and rights. */
const objects = `
  select n.oid, 'n' as kind, 'schema mcp_cutover' as name, n.nspowner as owner, n.nspname::text as short,
         coalesce(n.nspacl, acldefault('n', n.nspowner)) as acl
    from pg_namespace n where n.nspname = 'mcp_cutover'
  union all
  select c.oid, case c.relkind when 'S' then 'S' else 'r' end,
         case c.relkind when 'S' then 'sequence ' else 'table ' end || c.oid::regclass, c.relowner, c.relname::text,
         coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'mcp_cutover' and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  union all
  select p.oid, 'f', 'function ' || p.oid::regprocedure, p.proowner, p.proname::text,
         coalesce(p.proacl, acldefault('f', p.proowner))
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'mcp_cutover'
  union all
  select c.oid, 'c', 'table ' || c.oid::regclass, c.relowner, c.relname::text, a.attacl
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'mcp_cutover' and a.attacl is not null`;

/** The rights that a role needs to compare, and the only ones that others may have. */
const comparisonGrants = `(o.kind = 'n' and a.privilege_type = 'USAGE'
  or o.kind in ('r', 'c') and o.short in ('run', 'fenced_write', 'newest_row') and a.privilege_type = 'SELECT') and a.grantee <> 0`;

const role = `case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end`;

async function look(client: Client): Promise<LedgerSecurity> {
  const found = await client.query<LedgerSecurity & { owner: string | null }>(
    `with objects as materialized (${objects}),
      relations as (select oid, short from objects where kind = 'r')
     select quote_ident(current_user) as role,
       (select quote_ident(pg_get_userbyid(owner)) from objects where kind = 'n') as owner,
       array(select distinct name || ' of ' || quote_ident(pg_get_userbyid(owner)) from objects
              where pg_get_userbyid(owner) <> current_user order by 1) as foreign,
       array(
         select 'trigger ' || t.tgname || ' on ' || r.short from pg_trigger t join relations r on r.oid = t.tgrelid
          where not t.tgisinternal
         union all
         select 'rule ' || w.rulename || ' on ' || r.short from pg_rewrite w join relations r on r.oid = w.ev_class
          where w.rulename <> '_RETURN'
         union all
         select 'row-level security on ' || r.short from pg_class c join relations r on r.oid = c.oid where c.relrowsecurity
         union all
         select 'inheritance of ' || r.short from pg_inherits i join relations r on r.oid in (i.inhrelid, i.inhparent)
         union all
         select 'type of ' || r.short || '.' || a.attname from pg_attribute a join relations r on r.oid = a.attrelid
           join pg_type t on t.oid = a.atttypid join pg_namespace n on n.oid = t.typnamespace
          where n.nspname <> 'pg_catalog' and not a.attisdropped
         union all
         -- What the server itself brings is pinned and has no entry.
         select 'function behind ' || r.short from pg_depend d
           left join pg_attrdef f on d.classid = 'pg_attrdef'::regclass and f.oid = d.objid
           left join pg_constraint k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
           left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
           left join pg_index i on d.classid = 'pg_class'::regclass and i.indexrelid = d.objid
           join relations r on r.oid in (f.adrelid, k.conrelid, w.ev_class, i.indrelid)
          where d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass)
       ) as traps,
       (select coalesce(jsonb_agg(g), '[]') from (
          select o.name as on, ${role} as grantee, string_agg(distinct a.privilege_type, ', ') as rights
            from objects o, aclexplode(o.acl) a
           where a.grantee <> o.owner and not (${comparisonGrants}) group by 1, 2 order by 1, 2) g) as grants`,
  );
  const [row] = found.rows;
  if (row === undefined) throw new Error("the server did not answer");
  const { owner, ...rest } = row;
  return owner === null ? rest : { ...rest, owner };
}

/** The findings by connection: they do not change while a connection is open. */
const seen = new WeakMap<Client, Promise<LedgerSecurity>>();

function lookOnce(client: Client): Promise<LedgerSecurity> {
  const known = seen.get(client) ?? look(client);
  seen.set(client, known);
  return known;
}

/**
 * Checks that reading the ledger runs no foreign code.
 * @throws UserError that names what would
 */
export async function refuseForeignCode(client: Client): Promise<void> {
  const { traps, owner = "" } = await lookOnce(client);
  if (traps.length === 0) return;
  throw new UserError(
    `The schema mcp_cutover of role ${owner} was not made by mcp-fleet (${listed(traps)}), so reading it could run code of others.`,
    "Find out who made it; then have its owner rename it, so that the next run makes its own: alter schema mcp_cutover rename to mcp_cutover_old;",
  );
}

/**
 * Checks that this role owns schema and ledger, and that others have no more rights than a comparison needs.
 * @throws UserError naming the owner, or the grants
 */
export async function refuseForeignLedger(client: Client): Promise<void> {
  const guard = await lookOnce(client);
  if (guard.owner === undefined) return;
  const { foreign, grants, role: self } = guard;
  if (foreign.length > 0) {
    // A sequence has the owner of its table.
    const mine = foreign
      .map((one) => one.slice(0, one.lastIndexOf(" of ")))
      .filter((one) => !one.startsWith("sequence "));
    throw new UserError(
      `The ledger is not owned by this role (${self}), so others could read or drop it: ${listed(foreign)}.`,
      guard.owner === self || mine.length > 20
        ? `Run as the role that made it, or have an administrator give all of it to this role: reassign owned by <role> to ${self};`
        : `Run as the role that made it; or, if that was a run of yours, as an administrator: ${mine.map((name) => `alter ${name} owner to ${self};`).join(" ")}`,
    );
  }
  if (grants.length === 0) return;
  const texts = grants.map(({ on, grantee, rights }) => `${grantee} has ${rights} on ${on}`);
  throw new UserError(
    `The ledger with the old rows and their credentials is open to others: ${listed(texts, "; ")}.`,
    `Run as ${self}: ${revokes(grants).join("; ")}; who only compares needs no more than select on run, fenced_write and newest_row.`,
  );
}

/** Revokes what default privileges of the role or the database granted on new objects. */
export async function revokeFromOthers(client: Client): Promise<void> {
  const { grants } = await look(client);
  for (const sql of revokes(grants)) await client.query(sql);
}

function revokes(grants: readonly Grant[]): string[] {
  return grants.map(({ on, grantee }) => `revoke all on ${on} from ${grantee} cascade`);
}
