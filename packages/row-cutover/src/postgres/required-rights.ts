import { UserError } from "@mcp-fleet/errors";

import type { CutoverSpec } from "../spec";
import type { RightsFacts, Secured } from "./rights-facts";
import { type Column, matchColumns, setColumns } from "./table";

/**
 * A right that a database role needs. What is printed to be granted and what is checked come from these, so that a
 * role with the printed grants passes every check, and one without any of them does not.
 */
export interface RequiredRight {
  /** As in GRANT, quoted: `public.mcp_servers`, `sequence public.mcp_servers_id_seq`, `schema public`. */
  readonly on: string;
  readonly privileges: readonly string[];
  /** Those that the role of this connection has. */
  readonly held: readonly string[];
  /** The configuration that asks for it, such as `cutover.table`; several with commas between. */
  readonly key: string;
  /** Only these columns, quoted. Default: all of the table. */
  readonly columns?: readonly string[];
  /** Those of the columns that the role may not read. */
  readonly unreadable?: readonly string[];
  /** A schema that the role has to own. */
  readonly owned?: true;
  /** Without it a run warns and goes on. */
  readonly optional?: true;
}

/** What a run does beside reading and rewriting rows. */
export interface RowUses {
  /** Makes rows that are missing. */
  readonly seeds: boolean;
  /** Removes one of two rows of the same server, and moves what refers to it. */
  readonly merges: boolean;
}

/** Everything that a configuration may ever ask for. */
export function usesOf({ table, rows }: CutoverSpec): RowUses {
  const single = table.match === undefined;
  return {
    seeds: single && rows.some(({ seed }) => seed !== undefined),
    merges: single && rows.some(({ aliases = [] }) => aliases.length > 0),
  };
}

/** On tables whose foreign keys point to the rows, where two rows are merged; an undo puts back what a merge removed. */
export const referenceRights = ["select", "insert", "update", "delete"] as const;
/** On tables with lists of ids, where two rows are merged. */
export const listRights = ["select", "update"] as const;

/**
 * What a run and its way back need, in the order in which it is granted. A table that is not there yet asks for
 * nothing.
 * @param uses default: all that the configuration may ask for
 */
export function rightsOfRun(
  facts: RightsFacts,
  spec: CutoverSpec,
  uses: RowUses = usesOf(spec),
): RequiredRight[] {
  const rights: RequiredRight[] = [];
  const { seeds, merges } = uses;
  const of = (part: Secured["part"]): readonly Secured[] =>
    facts.objects.filter((object) => object.part === part);
  const add = (
    { sql, held }: Secured,
    privileges: readonly string[],
    key: string,
    more: Partial<RequiredRight> = {},
  ): void => void rights.push({ on: sql, privileges, held, key, ...more });
  for (const one of of("rows")) {
    add(one, ["select", "update"], "cutover.table");
    if (merges) add(one, ["insert", "delete"], "row.aliases");
    if (seeds && !merges) add(one, ["insert", "delete"], "row.seed");
    if (spec.fence) add(one, ["trigger"], "cutover.fence", { optional: true });
  }
  for (const one of of("partition"))
    if (spec.fence) add(one, ["trigger"], "cutover.fence", { optional: true });
  for (const one of of("reference")) {
    if (merges) add(one, referenceRights, "row.aliases");
    else if (seeds) add(one, ["select"], "row.seed");
  }
  for (const one of of("list")) if (merges) add(one, listRights, "cutover.softReferences");
  for (const { sql, held } of of("sequence"))
    if (seeds) rights.push({ on: `sequence ${sql}`, privileges: ["usage"], held, key: "row.seed" });
  const used = new Set(rights.map(({ on }) => on.replace(/^sequence /, "")));
  return [connecting(facts), ...entering(facts, used), ...rights, ledgerRight(facts)];
}

/** What is needed to compare rows with the ledger, as `drift` and `verify` do, and no more. */
export function rightsOfCheck(
  facts: RightsFacts,
  spec: CutoverSpec,
  columns: ReadonlyMap<string, Pick<Column, "sql" | "readable">>,
  more: readonly string[] = [],
): RequiredRight[] {
  const rows = facts.objects.filter(({ part }) => part === "rows");
  const named = comparedColumns(spec, more).flatMap((name) => {
    const column = columns.get(name);
    return column === undefined ? [] : [column];
  });
  const read = rows.map(({ sql, held }) => ({
    on: sql,
    privileges: ["select"],
    key: "cutover.table",
    // Rows that a condition leaves out are left out by a query that names every column.
    ...((spec.table.where ?? []).length > 0
      ? { held }
      : {
          columns: named.map((column) => column.sql),
          unreadable: named.filter(({ readable }) => !readable).map((column) => column.sql),
          held: named.every(({ readable }) => readable) ? ["select"] : [],
        }),
  }));
  return [connecting(facts), ...entering(facts, new Set(rows.map(({ sql }) => sql))), ...read];
}

/** The columns that a comparison reads. @param more beside those that the configuration names */
export function comparedColumns(spec: CutoverSpec, more: readonly string[] = []): string[] {
  const { key, type, config } = spec.table;
  return [
    ...new Set([
      ...[
        ...key,
        ...matchColumns(spec.table),
        ...(type === undefined ? [] : [type.column]),
        config,
      ],
      ...[...setColumns(spec), ...more],
    ]),
  ];
}

/** Relations of the ledger that a comparison reads; the journal, which holds the old rows, is not among them. */
export const comparedRelations = ["run", "fenced_write", "newest_row"] as const;

function connecting({ database, connects }: RightsFacts): RequiredRight {
  const held = connects ? ["connect"] : [];
  return { on: `database ${database}`, privileges: ["connect"], held, key: "databaseUrl" };
}

function entering(facts: RightsFacts, used: ReadonlySet<string>): RequiredRight[] {
  const schemas = new Map(
    facts.objects.filter(({ sql }) => used.has(sql)).map((one) => [one.schema, one.enters]),
  );
  return [...schemas].map(([schema, enters]) => ({
    on: `schema ${schema}`,
    privileges: ["usage"],
    held: enters ? ["usage"] : [],
    key: "cutover.table.schema",
  }));
}

function ledgerRight({ ledger }: RightsFacts): RequiredRight {
  const held = ledger === "there" || ledger === "makeable" ? ["create"] : [];
  return {
    on: "schema mcp_cutover",
    privileges: ["create"],
    held,
    key: "databaseUrl",
    owned: true,
  };
}

/** The statement that gives it. @param role quoted */
export function grantOf(
  { on, privileges, columns, owned }: RequiredRight,
  role: string,
  wanted: readonly string[] = privileges,
): string {
  if (owned === true) return `create schema if not exists mcp_cutover authorization ${role};`;
  const listed = columns === undefined ? "" : ` (${columns.join(", ")})`;
  return `grant ${wanted.map((one) => `${one}${listed}`).join(", ")} on ${on} to ${role};`;
}

/** Those of its privileges that the role does not have. */
export function lacking({ privileges, held }: RequiredRight): string[] {
  return privileges.filter((one) => !held.includes(one));
}

/** Whose rights they are; the ledger's state where it is among them. */
type Asked = Pick<RightsFacts, "role"> & Partial<Pick<RightsFacts, "ledger">>;

/** @throws UserError that names all that is missing, and grants it. Rights that a run goes without are left out. */
export function refuseMissing(facts: Asked, rights: readonly RequiredRight[]): void {
  const missing = rights.filter((right) => right.optional !== true && lacking(right).length > 0);
  if (missing.length > 0) throw missingRights(facts, merged(missing));
}

/** As GRANT lists them. */
const order = ["connect", "usage", "create", "select", "insert", "update", "delete", "trigger"];

/** One right for each thing that rights are on, with all the configuration that asks for it. */
export function merged(rights: readonly RequiredRight[]): RequiredRight[] {
  return [...new Set(rights.map(({ on }) => on))].flatMap((on) => {
    const same = rights.filter((right) => right.on === on);
    const [first] = same;
    const all = new Set(same.flatMap(({ privileges }) => privileges));
    const key = [...new Set(same.map((one) => one.key))].join(", ");
    return first === undefined
      ? []
      : [{ ...first, key, privileges: order.filter((one) => all.has(one)) }];
  });
}

function missingRights({ role, ledger }: Asked, missing: readonly RequiredRight[]): UserError {
  const said = missing.map((right) => {
    const { on, key, unreadable, owned } = right;
    if (owned === true) {
      return ledger === "closed"
        ? `may not create the ledger's tables in schema mcp_cutover`
        : `may not create the schema mcp_cutover for ledger and journal, which is missing`;
    }
    if (unreadable !== undefined) return `may not read ${unreadable.join(", ")} of ${on} [${key}]`;
    const names = lacking(right).map((one) => `no ${one.toUpperCase()}`);
    return `has ${names.join(" and ")} privilege on ${on} [${key}]`;
  });
  const grants = missing.map((right) =>
    right.owned === true && ledger === "closed"
      ? `alter schema mcp_cutover owner to ${role};`
      : grantOf(
          right.unreadable === undefined ? right : { ...right, columns: right.unreadable },
          role,
          lacking(right),
        ),
  );
  return new UserError(
    `The database role ${role} of [databaseUrl] ${said.join(", ")}.`,
    `Run as an administrator of the database (mcp-fleet grants prints everything that the stack needs): ${grants.join(" ")}`,
  );
}
