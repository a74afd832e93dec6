import { UserError } from "@mcp-fleet/errors";
import type { Client } from "pg";

import { namedColumns, setColumns } from "../decide/layout";
import type { ConfigType } from "../decide/rows";
import type { CutoverSpec, TableSpec } from "../decide/spec";
import { columnOf, counts, readColumns, type TableColumns } from "./columns";
import type { TableTriggers } from "./errors";
import { ident, literal, qualified } from "./identifiers";

/** A trigger of the table's owner, with its function. */
interface TableTrigger {
  /** Quoted. */
  readonly name: string;
  /** For SQL, such as `public.audit()`. */
  readonly procedure: string;
  /** Whether its function sets `search_path`. Otherwise its unqualified names are looked up in `pg_catalog` only. */
  readonly hasSearchPath: boolean;
}

/** The table in this transaction. */
export interface TableShape extends TableColumns {
  readonly oid: number;
  /** Quoted, with schema: for statements that write, lock or count. */
  readonly name: string;
  /** For FROM in queries: the table, or its rows that meet {@link TableSpec.where}. */
  readonly rows: string;
  readonly configType: ConfigType;
  readonly rowSecurity: boolean;
  /** Its rules, quoted. */
  readonly rules: readonly string[];
  /** Triggers that may fire when rows are written, by name. The write fence is not among them. */
  readonly triggers: readonly TableTrigger[];
  /** Tables that inherit from it, quoted. Its triggers do not fire for their rows. */
  readonly inheritors: readonly string[];
  /** Partitions that are on another server, quoted. */
  readonly foreignPartitions: readonly string[];
  /** Whether the server can tell JSON from other text (`IS JSON`): PostgreSQL 16 and newer. */
  readonly hasIsJson: boolean;
  /** Whether this role may make triggers on it, and on all of its partitions. */
  readonly mayCreateTriggers: boolean;
}

/** Reads the table from the catalog, in each transaction: the application may change a column's type at any time. */
export async function readShape(client: Client, spec: CutoverSpec): Promise<TableShape> {
  const { table } = spec;
  const name = qualified(table.schema, table.table);
  const found = await client.query<{
    oid: string;
    rls: boolean;
    hasIsJson: boolean;
    mayCreateTriggers: boolean;
    rules: string[];
    triggers: TableTrigger[];
    inheritors: string[];
    foreignPartitions: string[];
  }>(
    `select c.oid::text as oid, row_security_active(c.oid) as rls,
            current_setting('server_version_num')::int >= 160000 as "hasIsJson",
            has_table_privilege(c.oid, 'trigger') and has_schema_privilege(n.oid, 'usage')
              and not exists (select from pg_partition_tree(c.oid) p where not has_table_privilege(p.relid, 'trigger')) as "mayCreateTriggers",
            array(select quote_ident(w.rulename) from pg_rewrite w
                   where w.ev_class = c.oid and w.rulename <> '_RETURN' and w.ev_enabled not in ('D', 'R')) as rules,
            (select coalesce(jsonb_agg(jsonb_build_object('name', quote_ident(t.tgname), 'procedure', p.oid::regprocedure,
                'hasSearchPath', coalesce(p.proconfig::text like '%search_path=%', false)) order by t.tgname), '[]')
               from pg_trigger t join pg_proc p on p.oid = t.tgfoid
              where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled not in ('D', 'R')
                and p.pronamespace is distinct from to_regnamespace('mcp_cutover')) as triggers,
            array(select i.inhrelid::regclass::text from pg_inherits i where i.inhparent = c.oid and c.relkind = 'r' order by 1) as inheritors,
            array(select p.relid::regclass::text from pg_partition_tree(c.oid) p join pg_class f on f.oid = p.relid
                   where f.relkind = 'f' order by 1) as "foreignPartitions"
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')`,
    [table.schema, table.table],
  );
  const row = found.rows[0];
  if (row === undefined) throw await missingTable(client, table);
  const columns = await readColumns(client, row.oid);
  const shape = {
    oid: Number(row.oid),
    name,
    rows: rowsInScope(table, name),
    spec: table,
    columns,
    rowSecurity: row.rls,
    rules: row.rules,
    triggers: row.triggers,
    inheritors: row.inheritors,
    foreignPartitions: row.foreignPartitions,
    hasIsJson: row.hasIsJson,
    mayCreateTriggers: row.mayCreateTriggers,
  };
  for (const column of namedColumns(spec)) columnOf(shape, column);
  refuseGenerated(shape, spec);
  refuseMissingUnit(shape);
  return { ...shape, configType: configTypeOf(table, columnOf(shape, table.config).type) };
}

/** Whether a row meets the conditions of the configuration, in SQL. @param alias of the row */
export function inScope({ where = [] }: TableSpec, alias: string): string {
  const conditions = where.map(({ column, operator, value = "" }) => {
    const name = `${alias}.${ident(column)}`;
    if (operator === "is null" || operator === "is not null") return `${name} ${operator}`;
    return operator === "="
      ? `${name}::text = ${literal(value)}`
      : `${name}::text is distinct from ${literal(value)}`;
  });
  return conditions.length === 0 ? "true" : conditions.join(" and ");
}

function rowsInScope(table: TableSpec, name: string): string {
  return (table.where ?? []).length === 0
    ? name
    : `(select w.tableoid, w.ctid, w.xmin, w.* from ${name} w where ${inScope(table, "w")})`;
}

/** @throws UserError where the time is a number and its unit is not configured, or the other way round */
function refuseMissingUnit(shape: TableColumns): void {
  const { updatedAt, updatedAtUnit, schema, table } = shape.spec;
  if (updatedAt === undefined) return;
  const { type } = columnOf(shape, updatedAt);
  if (counts(type) === (updatedAtUnit !== undefined)) return;
  throw new UserError(
    `The column ${updatedAt} of ${schema}.${table} is of type ${type}, and ${updatedAtUnit === undefined ? "nothing says whether it counts seconds or milliseconds" : `does not count ${updatedAtUnit}`}.`,
    updatedAtUnit === undefined
      ? `Set [cutover.table.updatedAt] to {column: ${updatedAt}, unit: seconds} or to milliseconds.`
      : `Set [cutover.table.updatedAt] to ${updatedAt}.`,
  );
}

async function missingTable(client: Client, table: TableSpec): Promise<UserError> {
  const found = await client.query<{ kind: string }>(
    `select case c.relkind when 'v' then 'a view' when 'm' then 'a materialized view'
                           when 'f' then 'a foreign table' else 'no table' end as kind
       from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
    [table.schema, table.table],
  );
  const kind = found.rows[0]?.kind;
  return kind === undefined
    ? new UserError(
        `The table ${table.schema}.${table.table} does not exist in this database.`,
        "Check [cutover.table]; on a new database start the application once, so that it makes its tables.",
      )
    : new UserError(
        `${table.schema}.${table.table} is ${kind}, whose rows a run can neither lock nor find again.`,
        "Name the table that holds the rows in [cutover.table.schema] and [cutover.table.table].",
      );
}

/** @throws UserError naming a generated column that would be written */
function refuseGenerated(shape: TableColumns, spec: CutoverSpec): void {
  const { config, updatedAt } = spec.table;
  const written = [config, ...(updatedAt === undefined ? [] : [updatedAt]), ...setColumns(spec)];
  const generated = written.find((name) => columnOf(shape, name).generated);
  if (generated === undefined) return;
  throw new UserError(
    `The column ${generated} of ${shape.spec.schema}.${shape.spec.table} is generated by the database, so it cannot be written.`,
    "Name the column that it is computed from in [cutover.table] or in the [set] of the rows.",
  );
}

/** The triggers to blame when code of the table's owner raises an error. */
export function triggersOf({ name, triggers }: TableShape): TableTriggers {
  return { table: name, triggers };
}

function configTypeOf(table: TableSpec, type: string): ConfigType {
  if (type === "json" || type === "jsonb") return type;
  if (type === "text" || type.startsWith("character varying")) return "text";
  throw new UserError(
    `The column ${table.table}.${table.config} is of type ${type}; text, json or jsonb is needed.`,
    "Check [cutover.table.config].",
  );
}
