import { entryColumns, rulesOf, setColumns } from "../../decide/layout";
import type { CutoverSpec } from "../../decide/spec";
import type { Column } from "../columns";
import type { RightsFacts, Secured } from "./facts";

/**
 * A right that a database role needs. Both the printed grants and the checks are made from these, so a role with the
 * printed grants passes every check.
 */
export interface RequiredRight {
  /** As in GRANT, quoted: `public.mcp_servers`, `sequence public.mcp_servers_id_seq`, `schema public`. */
  readonly on: string;
  readonly privileges: readonly string[];
  /** The privileges that the role of this connection has. */
  readonly held: readonly string[];
  /** The configuration that asks for it, such as `cutover.table`; several with commas between. */
  readonly key: string;
  /** Only these columns, quoted. Default: all of the table. */
  readonly columns?: readonly string[];
  /** Those of the columns that the role may not read. */
  readonly unreadable?: readonly string[];
  /** A schema that the role has to own. */
  readonly owned?: true;
  /** Without it a run warns and continues. */
  readonly optional?: true;
}

/** What a run does besides reading and rewriting rows. */
export interface RowUses {
  /** Inserts missing rows. */
  readonly seeds: boolean;
  /** Removes one of two rows of the same server, and moves the references to it. */
  readonly merges: boolean;
}

/** Everything that the configuration can ask for. */
export function usesOf({ table, rows }: CutoverSpec): RowUses {
  const { movesRows } = rulesOf(table);
  return {
    seeds: movesRows && rows.some(({ seed }) => seed !== undefined),
    merges: movesRows && rows.some(({ aliases = [] }) => aliases.length > 0),
  };
}

/** On tables whose foreign keys point to the rows, where two rows are merged; an undo restores what a merge removed. */
export const referenceRights = ["select", "insert", "update", "delete"] as const;

/** On tables with lists of ids, where two rows are merged. */
export const listRights = ["select", "update"] as const;

/**
 * The rights that a run and its undo need, in the order of the grants. A table that does not exist yet needs none.
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
  return [connectRight(facts), ...schemaRights(facts, used), ...rights, ledgerRight(facts)];
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
    // A query with conditions on rows reads every column.
    ...((spec.table.where ?? []).length > 0
      ? { held }
      : {
          columns: named.map((column) => column.sql),
          unreadable: named.filter(({ readable }) => !readable).map((column) => column.sql),
          held: named.every(({ readable }) => readable) ? ["select"] : [],
        }),
  }));
  return [
    connectRight(facts),
    ...schemaRights(facts, new Set(rows.map(({ sql }) => sql))),
    ...read,
  ];
}

/** The columns that a comparison reads. @param more beside those that the configuration names */
export function comparedColumns(spec: CutoverSpec, more: readonly string[] = []): string[] {
  const { key, type, config } = spec.table;
  return [
    ...new Set([
      ...[
        ...key,
        ...entryColumns(spec.table),
        ...(type === undefined ? [] : [type.column]),
        config,
      ],
      ...[...setColumns(spec), ...more],
    ]),
  ];
}

/** Relations of the ledger that a comparison reads; the journal, which holds the old rows, is not among them. */
export const comparedRelations = ["run", "fenced_write", "newest_row"] as const;

function connectRight({ database, connects }: RightsFacts): RequiredRight {
  const held = connects ? ["connect"] : [];
  return { on: `database ${database}`, privileges: ["connect"], held, key: "databaseUrl" };
}

function schemaRights(facts: RightsFacts, used: ReadonlySet<string>): RequiredRight[] {
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
