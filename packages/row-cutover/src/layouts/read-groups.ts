import type { Client } from "pg";

import { keyId, keyOf, keySet } from "../decide/keys";
import type { RowPlace, StoredRow } from "../decide/rows";
import type { CutoverSpec, RowSpec } from "../decide/spec";
import type { RowForm } from "../decide/steps";
import { targetJson } from "../decide/target-document";
import { inBatches } from "../postgres/cursor";
import { isPlainSql } from "../postgres/documents-sql";
import { literal } from "../postgres/identifiers";
import { checkSize, isOwnSql, serverColumnSql, storedColumns } from "../postgres/rows";
import type { TableShape } from "../postgres/table";
import { groupQuery } from "./groups-sql";

/** Rows of one server that a run treats the same way. */
interface RowGroup {
  readonly spec: RowSpec;
  readonly form: RowForm;
  readonly count: number;
  /** A row that represents the group: one row's transport, and the names of keys and variables of all of them. */
  readonly row: StoredRow;
}

/** The rows of a table with a row for each tenant, counted by SQL. */
export interface Groups {
  readonly groups: readonly RowGroup[];
  /** Rows of configured servers that SQL cannot read: TOML, wrapped or escaped. */
  readonly unread: number;
  /** The application's own rows by server, where no server is configured. */
  readonly unknown: ReadonlyMap<string, number>;
  /** Rows of other types under a configured server's key, which stay as they are. */
  readonly foreign: ReadonlyMap<string, number>;
  readonly rows: number;
  readonly bytes: number;
}

const fewLines = 5000;

interface GroupLine {
  readonly n: number | null;
  readonly own: boolean;
  readonly plain: boolean;
  readonly match: string;
  readonly there: boolean;
  readonly embedded: boolean;
  readonly differs: string[];
  readonly keys: string[];
  readonly env: string[];
  readonly count: string;
  readonly bytes: string;
  readonly part: string;
  readonly tid: string;
}

/** A group while names of keys and variables are collected. */
interface GroupDraft extends Omit<RowGroup, "row" | "count"> {
  count: number;
  match: string;
  example: RowPlace;
  readonly keys: Set<string>;
  readonly env: Map<string, string>;
}

/**
 * Counts the rows by what a run would do to them, in one scan. The result has one line for each combination of server,
 * state, keys and variables, however many rows there are.
 * @param tableRows about how many rows the table has
 */
export async function readGroups(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  tableRows: number,
): Promise<Groups> {
  const drafts = new Map<string, GroupDraft>();
  const unknown = new Map<string, number>();
  const foreign = new Map<string, number>();
  const deferred = keySet(spec.deferred);
  let [unread, rows, bytes] = [0, 0, 0];
  for await (const lines of readLines(client, groupQuery(spec, shape, tableRows))) {
    for (const group of lines) {
      const count = Number(group.count);
      const row = group.n === null ? undefined : spec.rows[group.n];
      const add = (to: Map<string, number>): unknown =>
        to.set(group.match, (to.get(group.match) ?? 0) + count);
      rows += count;
      bytes += Number(group.bytes);
      if (row === undefined) {
        if (!deferred.has(keyId([group.match]))) add(unknown);
      } else if (!group.own) add(foreign);
      else if (!group.plain) unread += count;
      else collect(drafts, row, group, count);
    }
  }
  checkSize(spec, rows);
  const groups = await withExamples(client, spec, shape, [...drafts.values()]);
  return { groups, unread, unknown, foreign, rows, bytes };
}

/** In one query where the lines are few, since the server does not run a cursor in parallel. */
async function* readLines(
  client: Client,
  { text, values }: ReturnType<typeof groupQuery>,
): AsyncGenerator<GroupLine[]> {
  const { rows } = await client.query<GroupLine>(
    `with groups as materialized (${text}) select * from groups limit ${fewLines}`,
    [...values],
  );
  if (rows.length < fewLines) yield rows;
  else yield* inBatches<GroupLine>(client, text, values);
}

/** The rows of configured servers that SQL cannot read. */
export function unreadRows(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  columns: readonly string[],
): AsyncGenerator<StoredRow[]> {
  const skip = keySet(spec.skip);
  const keys = spec.rows.map((row) => keyOf(row.key)).filter((key) => !skip.has(keyId(key)));
  return inBatches(
    client,
    `select ${storedColumns(spec, shape, columns)} from ${shape.rows} t
      where ${isOwnSql(spec)} and not ${isPlainSql(shape)}
        and ${serverColumnSql(spec)} in (select jsonb_array_elements_text(${literal(JSON.stringify(keys.flat()))}::jsonb))`,
  );
}

function collect(
  drafts: Map<string, GroupDraft>,
  spec: RowSpec,
  group: GroupLine,
  count: number,
): void {
  const { there, embedded, differs, match, part, tid } = group;
  const id = JSON.stringify([match, there, embedded, differs]);
  const known = drafts.get(id);
  const draft = known ?? {
    spec,
    form: { there, embedded, differs },
    match,
    example: { part, tid },
    count: 0,
    keys: new Set<string>(),
    env: new Map<string, string>(),
  };
  if (known === undefined) drafts.set(id, draft);
  draft.count += count;
  for (const key of group.keys) draft.keys.add(key);
  for (const variable of group.env) {
    const name = variable.slice(0, -1);
    const value = { "=": "", "/": "/" }[variable.slice(-1)] ?? "*";
    // A value that would be lost matters most, then a file's name.
    if (value.length === 0 ? !draft.env.has(name) : draft.env.get(name) !== "*")
      draft.env.set(name, value);
  }
}

/** Reads one row of each group, for its transport and command or URL. */
async function withExamples(
  client: Client,
  spec: CutoverSpec,
  shape: TableShape,
  drafts: readonly GroupDraft[],
): Promise<RowGroup[]> {
  const found = await client.query<StoredRow & { n: number }>(
    `select d.n, ${storedColumns(spec, shape, [])}
       from jsonb_to_recordset($1::jsonb) as d(n int, part oid, tid tid)
       join ${shape.name} t on t.ctid = d.tid and t.tableoid = d.part`,
    [JSON.stringify(drafts.map(({ example }, n) => ({ n, ...example })))],
  );
  const examples = new Map(found.rows.map(({ n, ...row }) => [n, row]));
  return drafts.map((draft, n) => {
    // The row may have been written meanwhile. Then everything is planned again under the lock.
    const example = examples.get(n) ?? noExample;
    return {
      spec: draft.spec,
      form: draft.form,
      count: draft.count,
      row: {
        ...example,
        type: spec.table.type?.value ?? null,
        key: [draft.match],
        match: [draft.match],
        config: standIn(draft, example),
        columns: Object.fromEntries(
          Object.entries(draft.spec.set ?? {}).filter(
            ([name]) => !draft.form.differs.includes(name),
          ),
        ),
      },
    };
  });
}

const noExample: StoredRow = {
  key: [],
  match: [],
  at: { part: "0", tid: "(0,0)" },
  id: null,
  type: null,
  config: null,
  columns: {},
};

/** A document with the names of all rows of a group, and the values of one row or none. */
function standIn({ spec, keys, env, form }: GroupDraft, example: StoredRow): string {
  if (form.there) return targetJson(spec);
  const content = JSON.parse(example.config ?? "{}") as Record<string, unknown>;
  // Sorted, so that the plan does not depend on the order of the rows.
  for (const key of [...keys].sort()) content[key] ??= null;
  if (env.size > 0) content.env = Object.fromEntries([...env].sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify(content);
}
