import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { checkSpec } from "../decide/check-spec";
import type { CutoverSpec, Db } from "../decide/spec";
import { readColumns } from "../postgres/columns";
import { readRightsFacts, type RightsFacts } from "../postgres/rights/facts";
import { grantOf, mergeRights } from "../postgres/rights/missing";
import { type RequiredRight, rightsOfCheck, rightsOfRun } from "../postgres/rights/required";
import { limitsOf, session } from "../postgres/session";
import { comparingGrants } from "../store/access";

/** The roles that the grants are for. Names are not quoted. */
export interface GrantRequest {
  /** The cutover's role. @default the one of the connection */
  readonly role?: string;
  /** A role that only compares rows with the ledger. @default none is printed */
  readonly checkRole?: string;
}

/** One statement, and the configuration that asks for it. */
export interface GrantStatement {
  readonly sql: string;
  /** Such as `cutover.table, row.seed`. */
  readonly for: string;
}

/** The grants for one role. */
export interface RoleGrants {
  /** Quoted. */
  readonly role: string;
  readonly purpose: "cutover" | "check";
  readonly exists: boolean;
  readonly statements: readonly GrantStatement[];
  /** What can be granted only once the first cutover has made the ledger. */
  readonly later: readonly string[];
}

/** All grants of a cutover. */
export interface Grants {
  readonly cutover: string;
  /** Quoted. */
  readonly database: string;
  readonly roles: readonly RoleGrants[];
  readonly notes: readonly string[];
}

/**
 * The grants that a cutover needs in its database, read from the catalog, which any role may read. Grants
 * nothing.
 * @throws UserError when the table does not exist, or the role of the connection needs no grants
 */
export async function readGrants(
  db: Db,
  spec: CutoverSpec,
  request: GrantRequest = {},
): Promise<Grants> {
  checkSpec(spec);
  const limits = limitsOf(spec);
  const doing = "looking at what there is to grant on";
  return session({ db, name: `grants ${spec.name}`, limits, mode: "read only", doing }, (client) =>
    grantsOf(client, spec, request),
  );
}

async function grantsOf(
  client: Client,
  spec: CutoverSpec,
  { role, checkRole }: GrantRequest,
): Promise<Grants> {
  const facts = await readRightsFacts(client, spec);
  if (!facts.objects.some(({ part }) => part === "rows")) throw nothingToGrantOn(spec);
  if (role === undefined && facts.superuser) {
    throw new UserError(
      `The role ${facts.role} of [databaseUrl] is a superuser, which needs no grants and is refused by a run.`,
      "Name the role that the cutover is to use: mcp-fleet grants --role mcp_fleet_cutover",
    );
  }
  const roles = [await rolesGrants(client, facts, role, "cutover", rightsOfRun(facts, spec))];
  if (checkRole !== undefined) {
    const rows = facts.objects.find(({ part }) => part === "rows");
    const columns = await readColumns(client, rows?.oid ?? "0");
    const rights = rightsOfCheck(facts, spec, columns);
    roles.push(await rolesGrants(client, facts, checkRole, "check", rights));
  }
  const conditions = spec.rows.some(({ seed }) => seed?.condition !== undefined);
  return {
    cutover: spec.name,
    database: facts.database,
    roles,
    notes: conditions
      ? ["A condition of a seed is SQL of the configuration: grant SELECT on what it reads too."]
      : [],
  };
}

async function rolesGrants(
  client: Client,
  facts: RightsFacts,
  given: string | undefined,
  purpose: RoleGrants["purpose"],
  rights: readonly RequiredRight[],
): Promise<RoleGrants> {
  const found = await client.query<{ role: string; exists: boolean }>(
    "select quote_ident($1) as role, exists (select from pg_roles where rolname = $1) as exists",
    [given ?? ""],
  );
  const { role, exists } =
    given === undefined
      ? { role: facts.role, exists: true }
      : (found.rows[0] ?? { role: "", exists: false });
  const ledger = purpose === "check" ? comparingGrants(role).split(/(?<=;) /) : [];
  const there = facts.ledger === "there";
  return {
    ...{ role, purpose, exists },
    statements: [
      ...mergeRights(rights).map((right) => ({ sql: grantOf(right, role), for: right.key })),
      ...(there ? ledger : []).map((sql) => ({ sql, for: "databaseUrl" })),
    ],
    later: there ? [] : ledger,
  };
}

function nothingToGrantOn({ table: { schema, table } }: CutoverSpec): UserError {
  return new UserError(
    `The table ${schema}.${table} does not exist in this database, so there is nothing to grant on.`,
    "Check [cutover.table]; on a new database start the application once, so that it makes its tables.",
  );
}

/** The grants as a script for psql, in one transaction. */
export function grantScript({ cutover, database, roles, notes }: Grants): string {
  const parts = roles.map(({ role, purpose, exists, statements, later }) =>
    [
      comment(
        purpose === "cutover"
          ? "The cutover's role, the login of databaseUrl: rows, ledger and undo."
          : "A login that only compares: mcp-fleet verify, drift, check and exporter.",
      ),
      ...(exists
        ? []
        : [`create role ${role} login;`, comment(`Then, in psql: \\password ${role}`)]),
      ...statements.flatMap(({ sql, for: keys }) =>
        sql.startsWith("create schema")
          ? [
              comment(
                `For ledger and journal. Who is no superuser first needs: grant ${role} to current_user;`,
              ),
              sql,
            ]
          : [`${sql} -- ${keys}`],
      ),
      ...(later.length === 0
        ? []
        : [comment("Once the first cutover has made the ledger, and as its role:")]),
      ...later.map(comment),
    ].join("\n"),
  );
  return [
    comment(
      `What the cutover ${cutover} needs in the database ${database}. Run it with psql in that database, as a superuser or as the owner of database and tables.`,
    ),
    ...notes.map(comment),
    "begin;",
    ...parts,
    "commit;",
  ].join("\n\n");
}

/** Comments out every line, since a name may contain a line end. */
function comment(text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `-- ${line}`)
    .join("\n");
}
